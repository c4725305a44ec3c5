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

  constructor(private readonly databaseUrl: string) {}

  /** False when the key is being processed. Whoever gets true has to release it. */
  async take(key: string): Promise<boolean> {
    if (this.held.has(key)) return false;
    this.held.add(key);
    try {
      const client = await this.connected();
      const { rows } = await client.query<{ taken: boolean }>(
        'SELECT pg_try_advisory_lock(hashtextextended($1, 0)) AS taken',
        [key],
      );
      if (rows[0]?.taken) return true;
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
      const client = await this.session;
      await client?.query('SELECT pg_advisory_unlock(hashtextextended($1, 0))', [key]);
    } catch {
      // See above.
    } finally {
      this.held.delete(key);
    }
  }

  /** Frees every key. */
  async close(): Promise<void> {
    this.closed = true;
    const client = await this.session?.catch(() => undefined);
    this.session = undefined;
    await client?.end();
  }

  private connected(): Promise<Client> {
    if (this.closed) throw new Error('The sandbox provider is closed.');
    this.session ??= this.connect();
    return this.session;
  }

  private async connect(): Promise<Client> {
    const client = new Client({ connectionString: this.databaseUrl, connectionTimeoutMillis: 10_000 });
    const forget = () => {
      this.session = undefined;
    };
    client.on('error', forget);
    client.on('end', forget);
    try {
      await client.connect();
      // A machine that vanishes says no goodbye; PostgreSQL would wait two hours before freeing its keys.
      await client.query(
        'SET tcp_keepalives_idle = 15; SET tcp_keepalives_interval = 5; SET tcp_keepalives_count = 3',
      );
      return client;
    } catch (error) {
      forget();
      throw error;
    }
  }
}
