/**
 * Cuts a connection off at a statement of a transaction, as the death of its process does, in this process alone.
 *
 * Invariant: statements outside of transactions are neither counted nor cut off.
 */
import { Client } from 'pg';

interface Cuttable {
  connection: { stream: { destroy(): void } };
}
type Query = (this: Client, ...given: unknown[]) => unknown;
type Callback = (error: Error | null, result?: unknown) => void;

/** Where the next run is cut off: before a statement (COMMIT is one), or once a COMMIT is confirmed; counted from 1. */
export type Cut = { before: number } | { afterCommit: number };

export class StatementKills {
  private readonly whole = Reflect.get(Client.prototype, 'query') as Query;
  private readonly inTransaction = new WeakSet<Client>();
  private cut: Cut | null = null;
  private statements = 0;
  /** Of the latest run. */
  commits = 0;

  constructor() {
    const pass = this.pass.bind(this);
    Reflect.set(Client.prototype, 'query', function query(this: Client, ...given: unknown[]): unknown {
      return pass(this, given);
    });
  }

  /** Clients are as they were. */
  end(): void {
    Reflect.set(Client.prototype, 'query', this.whole);
  }

  /** Runs something that is cut off there. @returns whether it came to that; the run's own failure is expected then */
  async during(cut: Cut, run: () => Promise<unknown>): Promise<boolean> {
    this.cut = cut;
    this.statements = 0;
    this.commits = 0;
    let failure: unknown;
    await run().catch((error: unknown) => (failure = error));
    const wasCut = this.cut === null;
    this.cut = null;
    if (!wasCut && failure !== undefined) throw failure;
    return wasCut;
  }

  private pass(client: Client, given: unknown[]): unknown {
    const text = textOf(given[0]);
    if (text === 'BEGIN') this.inTransaction.add(client);
    if (!this.inTransaction.has(client) || text === 'ROLLBACK') return this.whole.apply(client, given);
    this.statements += 1;
    if (this.cut !== null && 'before' in this.cut && this.cut.before === this.statements) this.cutOff(client);
    if (text !== 'COMMIT') return this.whole.apply(client, given);
    this.inTransaction.delete(client);
    this.commits += 1;
    const done = given[1];
    const isCut = this.cut !== null && 'afterCommit' in this.cut && this.cut.afterCommit === this.commits;
    if (!isCut || typeof done !== 'function') return this.whole.apply(client, given);
    const lost: Callback = (error) => {
      this.cutOff(client);
      (done as Callback)(error ?? new Error('Connection terminated unexpectedly'));
    };
    return this.whole.call(client, given[0], lost);
  }

  private cutOff(client: Client): void {
    this.cut = null;
    this.inTransaction.delete(client);
    (client as unknown as Cuttable).connection.stream.destroy();
  }
}

function textOf(statement: unknown): string {
  if (typeof statement === 'string') return statement;
  return (statement as { text?: string } | null)?.text ?? '';
}
