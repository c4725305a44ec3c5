/**
 * One transaction on one connection of the pool: `pg` and its documented pipeline mode, nothing of Prisma.
 *
 * Invariants:
 * - Statements run in the order in which they were requested, also when several are requested at once.
 * - Nothing that changes rows is sent before PostgreSQL has confirmed BEGIN; it would commit by itself otherwise.
 * - A statement of a transaction that has ended is refused; its connection may serve another one by then.
 * - COMMIT succeeds only when PostgreSQL answers COMMIT; it answers ROLLBACK when a statement had failed. It is not sent
 *   when an enqueued statement did not even leave (a value that cannot be sent): PostgreSQL would know of no failure.
 * - Work that takes longer than 5 s is rolled back, whether or not it asks for another statement.
 * - A connection that failed, or whose state is unknown, does not return to the pool.
 */
import { DatabaseError, type PoolClient, type QueryConfig, type QueryResult } from 'pg';
import { statementsOver, type Connection, type StatementNames, type Statements } from './statements';

/** Locks are not held longer, save for a statement that is being carried out then. */
const maxDurationMs = 5_000;

/** The work took too long; nothing was committed. */
export class TransactionTimeout extends Error {
  override readonly name = 'TransactionTimeout';
  /** As Prisma names it (transaction API error). */
  readonly code = 'P2028';

  constructor() {
    super(`the transaction took longer than ${maxDurationMs / 1_000} s`);
  }
}

/** A transaction in progress, for `sql` and nothing else: Prisma's models cannot take part in it. */
export class Transaction {
  readonly #statements: Statements;

  constructor(statements: Statements) {
    this.#statements = statements;
  }

  static statementsOf(tx: Transaction): Statements {
    return tx.#statements;
  }
}

export const { statementsOf } = Transaction;

/**
 * Runs `work` in a transaction (READ COMMITTED, PostgreSQL's default).
 * @throws what `work` throws; or the error of an enqueued statement, which explains all that failed behind it
 */
export async function runTransaction<T>(
  pool: { connect(): Promise<PoolClient> },
  nameOf: StatementNames,
  work: (tx: Transaction) => Promise<T>,
): Promise<T> {
  const connection = new TransactionConnection(await pool.connect());
  let result: T;
  try {
    result = await withinDuration(work(new Transaction(statementsOver(connection, nameOf))));
  } catch (error) {
    throw await connection.rollback(error);
  }
  await connection.commit();
  return result;
}

/** @throws TransactionTimeout when the work has not ended by then; its further statements are refused */
async function withinDuration<T>(work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new TransactionTimeout()), maxDurationMs).unref();
  });
  return Promise.race([work, late]).finally(() => clearTimeout(timer));
}

/** A statement, and what becomes of it. */
interface Request {
  statement: QueryConfig | (() => QueryConfig);
  resolve(result: QueryResult): void;
  reject(error: Error): void;
}

class TransactionConnection implements Connection {
  private readonly endsBy = performance.now() + maxDurationMs;
  private isBegun = false;
  private hasEnded = false;
  /** What waits until BEGIN is confirmed. */
  private held: Request[] = [];
  /** Why the connection cannot be used again. */
  private lost: Error | undefined;
  /** Of the first statement that failed without a caller who waits for it. */
  private enqueuedFailure: Error | undefined;
  /** Of the first statement that failed and whose caller knows. */
  private reportedFailure: Error | undefined;

  constructor(private readonly client: PoolClient) {
    client.on('error', this.onLost);
    this.dispatch({
      statement: { text: 'BEGIN' },
      resolve: () => this.onBegun(),
      reject: (error) => this.onNotBegun(error),
    });
  }

  async run(statement: QueryConfig): Promise<QueryResult> {
    this.refuseWhenOver();
    try {
      return await this.answerTo(statement);
    } catch (error) {
      this.reportedFailure ??= asError(error);
      throw error;
    }
  }

  enqueue(statement: QueryConfig): void {
    this.refuseWhenOver();
    const reject = (error: Error): void => {
      if (!isConsequence(error)) this.enqueuedFailure ??= error;
    };
    this.send({ statement, resolve: () => undefined, reject });
  }

  /** @throws the error because of which nothing was committed; that of an enqueued statement comes first */
  async commit(): Promise<void> {
    if (performance.now() > this.endsBy) throw await this.rollback(new TransactionTimeout());
    const { command } = await this.end(() => ({
      text: this.enqueuedFailure === undefined ? 'COMMIT' : 'ROLLBACK',
    }));
    if (command !== 'COMMIT' || this.enqueuedFailure !== undefined) {
      throw this.enqueuedFailure ?? this.reportedFailure ?? new Error('PostgreSQL rolled back');
    }
  }

  /** @returns the error that explains the failure: that of an enqueued statement, or the given one */
  async rollback(reason: unknown): Promise<unknown> {
    await this.end(() => ({ text: 'ROLLBACK' })).catch(() => undefined);
    if (this.enqueuedFailure instanceof DatabaseError) return this.enqueuedFailure;
    // Of statements that were requested at once, the caller may learn of the consequence first.
    return isConsequence(reason) ? (this.reportedFailure ?? reason) : reason;
  }

  /** Gives the connection back, or away: without an answer nobody knows its state. */
  private async end(statement: () => QueryConfig): Promise<QueryResult> {
    this.hasEnded = true;
    try {
      return await this.answerTo(statement);
    } catch (error) {
      this.lost ??= asError(error);
      throw this.enqueuedFailure ?? error;
    } finally {
      this.client.removeListener('error', this.onLost);
      this.client.release(this.lost);
    }
  }

  private refuseWhenOver(): void {
    if (this.hasEnded) throw new Error('the transaction has ended');
    if (performance.now() > this.endsBy) throw new TransactionTimeout();
  }

  private async answerTo(statement: Request['statement']): Promise<QueryResult> {
    try {
      return await new Promise((resolve, reject) => this.send({ statement, resolve, reject }));
    } catch (error) {
      // The driver's stack begins at its socket; this one leads to the statement's caller.
      if (error instanceof Error) Error.captureStackTrace(error);
      throw error;
    }
  }

  /** A SELECT goes out together with BEGIN: should BEGIN fail, it has changed nothing. */
  private send(request: Request): void {
    if (this.isBegun) this.dispatch(request);
    else if (this.lost !== undefined) request.reject(this.lost);
    else if (this.held.length === 0 && isSelect(request.statement)) this.dispatch(request);
    else this.held.push(request);
  }

  private dispatch({ statement, resolve, reject }: Request): void {
    // What ends the transaction is known when its turn comes, not before.
    const due = typeof statement === 'function' ? statement() : statement;
    this.client.query(due, (error: Error | null, result) =>
      error === null ? resolve(result) : reject(error),
    );
  }

  private onBegun(): void {
    this.isBegun = true;
    for (const request of this.held.splice(0)) this.dispatch(request);
  }

  private onNotBegun(error: Error): void {
    this.lost ??= error;
    for (const { reject } of this.held.splice(0)) reject(error);
  }

  private readonly onLost = (error: Error): void => {
    this.lost ??= error;
  };
}

function isSelect(statement: Request['statement']): boolean {
  return typeof statement !== 'function' && /^\s*SELECT\b/i.test(statement.text);
}

/** Refused because a statement before it failed (25P02). */
function isConsequence(error: unknown): boolean {
  return error instanceof DatabaseError && error.code === '25P02';
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}
