/** Transactions of the sandbox provider. */
import type { Pool, PoolClient } from 'pg';

/** Commits what `work` did, unless it returns undefined or throws. */
export async function inTransaction<T>(
  pool: Pool,
  work: (client: PoolClient) => Promise<T | undefined>,
): Promise<T | undefined> {
  const client = await pool.connect();
  try {
    await client.query('BEGIN');
    const result = await work(client);
    await client.query(result === undefined ? 'ROLLBACK' : 'COMMIT');
    client.release();
    return result;
  } catch (error) {
    // Closing the connection rolls back, also when it is no longer known what state it is in.
    client.release(true);
    throw error;
  }
}
