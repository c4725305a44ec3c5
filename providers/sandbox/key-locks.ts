/**
 * Which idempotency keys are being processed right now, by any process on this database.
 *
 * Owns: one database session whose advisory locks are the keys in progress. Does not own that there is one
 * charge for a key: the table's UNIQUE constraint does, should this session be lost while a charge is made.
 * Invariant: no key stays in progress when its process dies, since PostgreSQL then frees the session's locks.
 */
import { Client } from 'pg';

export class KeyLocks {
  // The session would be given its own locks again, so requests of this process exclude each other here.
  private readonly held = new Set<string>();
  private session: Promise<Client> | undefined;
  private closed = false;
  // A session executes one statement at a time; the next one waits for this, which never rejects.
  private lastStatement: Promise<unknown> = Promise.resolve();

  constructor(private readonly databaseUrl: string) {}

  /** False when the key is being processed. Whoever gets true has to release it. */
  async take(key: string): Promise<boolean> {
    if (this.held.has(key)) return false;
    this.held.add(key);
    try {
      if (await this.execute('pg_try_advisory_lock', key)) return true;
    } catch (error) {
      this.held.delete(key);
      throw error;
    }
    this.held.delete(key);
    return false;
  }

  /** Never fails: a session that is gone has released its locks already. */
  async release(key: string): Promise<void> {
    try {
      if (this.session) await this.execute('pg_advisory_unlock', key);
    } catch {
      // See above.
    } finally {
      this.held.delete(key);
    }
  }

  /** Frees every key. */
  async close(): Promise<void> {
    this.closed = true;
    await this.lastStatement;
    const client = await this.session?.catch(() => undefined);
    this.session = undefined;
    await client?.end();
  }

  private execute(
    lockFunction: 'pg_try_advisory_lock' | 'pg_advisory_unlock',
    key: string,
  ): Promise<boolean> {
    const result = this.lastStatement.then(async () => {
      if (this.closed) throw new Error('The sandbox provider is closed.');
      const session = (this.session ??= this.connect());
      try {
        const client = await session;
        const { rows } = await client.query<{ done: boolean }>({
          name: lockFunction,
          text: `SELECT ${lockFunction}(hashtextextended($1, 0)) AS done`,
          values: [key],
        });
        return rows[0]?.done ?? false;
      } catch (error) {
        // It is not known which locks this session has now; ending it frees them all.
        if (this.session === session) this.session = undefined;
        void session.then((client) => client.end()).catch(() => undefined);
        throw error;
      }
    });
    this.lastStatement = result.catch(() => undefined);
    return result;
  }

  private async connect(): Promise<Client> {
    const client = new Client({
      connectionString: this.databaseUrl,
      connectionTimeoutMillis: 10_000,
      query_timeout: 15_000,
    });
    // Without a listener a lost session would end the process; the next statement notices and replaces it.
    client.on('error', () => undefined);
    await client.connect();
    // A machine that vanishes says no goodbye; PostgreSQL would wait two hours before freeing its keys.
    await client.query(
      'SET tcp_keepalives_idle = 15; SET tcp_keepalives_interval = 5; SET tcp_keepalives_count = 3',
    );
    return client;
  }
}
