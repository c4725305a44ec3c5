/**
 * Statements written by hand, past Prisma: on the connection of a transaction, or on any of the pool's.
 *
 * Owns: which connection a transaction runs on, the names under which connections keep statements prepared, and how
 * values are read. Invariants: a statement of a transaction that has ended is refused, never run on a connection that
 * others have by then; statements of one transaction run in the order in which they were asked for, also when several
 * are asked for at once.
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import { Socket } from 'node:net';
import {
  DatabaseError,
  Pool,
  types,
  type PoolClient,
  type PoolConfig,
  type QueryConfig,
  type QueryResult,
} from 'pg';
import { Prisma } from './generated/client';

/** Its text, with `$1` and so on for its values. `Prisma.Sql` is one. */
export type Statement = Pick<Prisma.Sql, 'text' | 'values'>;

/** Each is a template's tag, whose values become parameters; or takes a statement that is made already. */
export interface Statements {
  /** @returns the rows: `bigint` read as BigInt, JSON as what it says, instants as Date */
  query<Rows extends readonly object[]>(
    statement: TemplateStringsArray | Statement,
    ...values: unknown[]
  ): Promise<Rows>;
  /** @returns how many rows it changed */
  execute(statement: TemplateStringsArray | Statement, ...values: unknown[]): Promise<number>;
  /**
   * Of a transaction only: goes out in its turn, and is waited for when the transaction is to commit. It does not
   * commit when this fails, and ends with this failure.
   */
  enqueue(statement: TemplateStringsArray | Statement, ...values: unknown[]): void;
}

const known = new WeakMap<object, Statements>();

/** @param of a database or a transaction in progress */
export function sql(of: object): Statements {
  const statements = known.get(of);
  if (statements === undefined) throw new Error('neither a database nor a transaction of prisma/client.ts');
  return statements;
}

/** The connection of one transaction, from when Prisma takes it out of the pool until it gives it back. */
interface Lease {
  client?: PoolClient;
  ended: boolean;
  /** What was queued and is not waited for yet; never rejects. */
  queued: Promise<void>[];
  /** Of the first that failed among what was queued. */
  failure?: unknown;
}

const leases = new AsyncLocalStorage<Lease>();

/** The pool of a database: Prisma's, and that of {@link sql}. */
export class SqlPool extends Pool {
  /** Of a statement, for the connections to keep it prepared; '' when it is not to be kept. */
  readonly nameOf = statementNames(maxPreparedStatements);
  private readonly leased = new WeakMap<PoolClient, Lease>();

  constructor(config: PoolConfig) {
    // Statements that are asked for at once go out at once, and are answered in their order.
    super({ ...config, pipeline: true, stream: () => new GatheringSocket() });
    // Also when Prisma gives a transaction up that its owner has not ended.
    this.on('release', (_error: unknown, client: PoolClient) => {
      const lease = this.leased.get(client);
      if (lease !== undefined) lease.ended = true;
      Reflect.deleteProperty(client, 'query');
    });
  }

  override connect(): Promise<PoolClient>;
  override connect(callback: Parameters<Pool['connect']>[0]): void;
  override connect(callback?: Parameters<Pool['connect']>[0]): Promise<PoolClient> | void {
    if (callback !== undefined) return super.connect(callback);
    const lease = leases.getStore();
    if (lease === undefined || lease.client !== undefined) return super.connect();
    return super.connect().then((client) => {
      lease.client = client;
      this.leased.set(client, lease);
      beginWithoutWaiting(client, lease);
      return client;
    });
  }

  /** Has {@link sql} know `db`, whose statements are each a transaction of their own. */
  serve(db: object): void {
    const run: Run = (query) => this.query(query);
    const enqueue = (): never => {
      throw new Error('outside of a transaction a statement is waited for');
    };
    known.set(db, statements(this.nameOf, run, enqueue));
  }

  /**
   * Has {@link sql} know a transaction while it lasts.
   * @param begin has Prisma take a connection, begin, do the work it is given, and end
   */
  async transaction<Tx extends object, T>(
    begin: (work: (tx: Tx) => Promise<T>) => Promise<T>,
    work: (tx: Tx) => Promise<T>,
  ): Promise<T> {
    const lease: Lease = { ended: false, queued: [] };
    const run: Run = async (query) => connectionOf(lease).query(query);
    const enqueue = (query: QueryConfig): void => noteQueued(lease, run(query));
    const serving = (tx: Tx): Promise<T> => {
      known.set(tx, statements(this.nameOf, run, enqueue));
      return work(tx);
    };
    const [ended] = await Promise.allSettled([leases.run(lease, () => begin(serving))]);
    await Promise.all(lease.queued);
    if (ended.status === 'rejected') {
      throw lease.failure instanceof DatabaseError ? lease.failure : ended.reason;
    }
    // PostgreSQL has made a ROLLBACK of the COMMIT behind a statement that failed.
    if ('failure' in lease) throw lease.failure;
    return ended.value;
  }
}

/** A statement behind one that failed is refused for its sake (25P02), whether that one was queued or waited for. */
function noteQueued(lease: Lease, answer: Promise<unknown>): void {
  const noted = answer.then(
    () => undefined,
    (error: unknown) => {
      const isAfterAnother = error instanceof DatabaseError && error.code === '25P02';
      if (!isAfterAnother && !('failure' in lease)) lease.failure = error;
    },
  );
  lease.queued.push(noted);
}

/** Prisma waits for its BEGIN, the first statement; what goes out behind it need not, for it is carried out behind it. */
function beginWithoutWaiting(client: PoolClient, lease: Lease): void {
  const begin = async (query: QueryConfig): Promise<Pick<QueryResult, 'rowCount'>> => {
    Reflect.deleteProperty(client, 'query');
    noteQueued(lease, client.query(query));
    return { rowCount: 0 };
  };
  Object.defineProperty(client, 'query', { value: begin, configurable: true, writable: true });
}

/** Sends what is written in one go of the event loop in one system call; the driver has one for each statement. */
class GatheringSocket extends Socket {
  private isGathering = false;

  override cork(): void {
    if (this.isGathering) return;
    this.isGathering = true;
    super.cork();
    process.nextTick(() => {
      this.isGathering = false;
      super.uncork();
    });
  }

  override uncork(): void {
    // Later, see `cork`.
  }
}

function connectionOf({ client, ended }: Lease): PoolClient {
  if (client === undefined || ended) throw new Error('the transaction has ended');
  return client;
}

type Run = (query: QueryConfig) => Promise<QueryResult>;

function statements(
  nameOf: (query: { sql: string }) => string,
  run: Run,
  enqueue: (query: QueryConfig) => void,
): Statements {
  const queryOf = (given: TemplateStringsArray | Statement, values: readonly unknown[]): QueryConfig => {
    const { text, values: parameters } = 'text' in given ? given : Prisma.sql(given, ...values);
    return { name: nameOf({ sql: text }), text, values: parameters, types: { getTypeParser } };
  };
  return {
    query: async <Rows extends readonly object[]>(
      given: TemplateStringsArray | Statement,
      ...values: unknown[]
    ) => (await run(queryOf(given, values))).rows as unknown as Rows,
    execute: async (given, ...values) => (await run(queryOf(given, values))).rowCount ?? 0,
    enqueue: (given, ...values) => enqueue(queryOf(given, values)),
  };
}

/** As Prisma reads them; the driver itself gives a `bigint` as text. */
const getTypeParser: typeof types.getTypeParser = (
  oid: Parameters<typeof types.getTypeParser>[0],
  format?: 'text' | 'binary',
) => (oid === types.builtins.INT8 ? BigInt : types.getTypeParser(oid, format as 'text'));

/** Of one connection; the product has fewer statements, save lists of varying length. */
const maxPreparedStatements = 500;

/** PostgreSQL parses and plans what has a name once for each connection. The first `limit` statements get one. */
function statementNames(limit: number): (query: { sql: string }) => string {
  const names = new Map<string, string>();
  return ({ sql }) => {
    const name = names.get(sql);
    if (name !== undefined) return name;
    if (names.size >= limit) return '';
    const next = `s${names.size}`;
    names.set(sql, next);
    return next;
  };
}
