/**
 * The database client of every process.
 *
 * Owns: the one connection pool, for transactions (SQL only) and for Prisma's models outside of them; repeating a
 * transaction that lost a deadlock or a serialization conflict; what an error of the database means.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { PrismaPg } from '@prisma/adapter-pg';
import { DatabaseError, Pool } from 'pg';
import { Prisma, PrismaClient } from './generated/client';
import { serveDatabase, sql, transactionOf, type Database } from './sql';
import { createStatementNames } from './statements';
import { inUtc } from './time-zone';
import type { Transaction } from './transaction';

export type { Database, Transaction };

/**
 * Connects lazily. A statement or an idle transaction that hangs is ended by the server, so that a stuck process
 * never holds locks for long.
 * @param poolSize connections of this process
 */
export function createDatabase(url: string, poolSize: number): Database {
  const pool = new Pool({
    connectionString: inUtc(url),
    max: poolSize,
    connectionTimeoutMillis: 3_000,
    statement_timeout: 10_000,
    idle_in_transaction_session_timeout: 10_000,
    application_name: 'perennial',
    // Statements that are requested at once are sent at once, and answered in their order.
    pipeline: true,
  });
  // Without a listener an idle connection that is lost would end the process; the next statement reports it.
  pool.on('error', () => undefined);
  const nameOf = createStatementNames();
  const adapter = new PrismaPg(pool, { statementNameGenerator: nameOf });
  const db = new PrismaClient({ adapter });
  serveDatabase(db, { pool, nameOf });
  closers.set(db, async () => {
    await db.$disconnect();
    await pool.end();
  });
  return db;
}

const closers = new WeakMap<Database, () => Promise<void>>();

/** Closes the connections of a database, once those in use are given back. */
export async function closeDatabase(db: Database): Promise<void> {
  const close = closers.get(db);
  closers.delete(db);
  await close?.();
}

const maxRepeats = 5;
const repeatAfterMs = 10;

/**
 * Runs `work` in one transaction (READ COMMITTED) and repeats it in place when PostgreSQL resolved a deadlock or a
 * serialization failure against it; `work` must have no effect outside the transaction.
 */
export async function inTransaction<T>(db: Database, work: (tx: Transaction) => Promise<T>): Promise<T> {
  for (let repeats = 0; ; repeats += 1) {
    try {
      return await transactionOf(db, work);
    } catch (error) {
      if (repeats >= maxRepeats || !isTransientConflict(error)) throw error;
      // The other transaction has its turn; an immediate repeat could take its lock again.
      await sleep(repeatAfterMs);
    }
  }
}

/** Deadlock (40P01) or serialization failure (40001): the same transaction may succeed when it is repeated. */
export function isTransientConflict(error: unknown): boolean {
  return error instanceof DatabaseError && (error.code === '40P01' || error.code === '40001');
}

/**
 * Whether PostgreSQL answered and refused a statement, so that something in it may be why. Not so when it is
 * unavailable, without resources, or out of time (SQLSTATE 08, 53, 57, 58).
 */
export function isRefusal(error: unknown): boolean {
  return error instanceof DatabaseError && !/^(08|5[378])/.test(error.code ?? '');
}

/** Whether a UNIQUE constraint refused a row (23505; P2002 of a model). */
export function isUniqueViolation(error: unknown): boolean {
  if (error instanceof DatabaseError) return error.code === '23505';
  return error instanceof Prisma.PrismaClientKnownRequestError && error.code === 'P2002';
}

/** PostgreSQL's clock; the only one by which money and due dates are judged. */
export async function databaseNow(on: Database | Transaction): Promise<Date> {
  const [row] = await sql(on).query<[{ now: Date }]>`SELECT clock_timestamp() AS now`;
  return row.now;
}
