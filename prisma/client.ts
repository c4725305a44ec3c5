/**
 * The database client of every process.
 *
 * Owns: the connection pool, the two type names that the rest of the code uses, and repeating a transaction that
 * PostgreSQL gave up for the sake of another (deadlock, serialization failure).
 */
import { PrismaPg } from '@prisma/adapter-pg';
import { DatabaseError } from 'pg';
import { sql, SqlPool } from './sql';
import { Prisma, PrismaClient } from './generated/client';
import { inUtc } from './time-zone';

export type Database = PrismaClient;
/** A transaction in progress; nothing outside of it may be written through `Database` meanwhile. */
export type Transaction = Prisma.TransactionClient;

/**
 * Connects lazily. A statement or an idle transaction that hangs is ended by the server, so that a stuck process
 * never holds locks for long.
 * @param poolSize connections of this process
 */
export function createDatabase(url: string, poolSize: number): Database {
  const pool = new SqlPool({
    connectionString: inUtc(url),
    max: poolSize,
    connectionTimeoutMillis: 3_000,
    statement_timeout: 10_000,
    idle_in_transaction_session_timeout: 10_000,
    application_name: 'perennial',
  });
  // Without a listener an idle connection that is lost would end the process; the next statement tells.
  pool.on('error', () => undefined);
  const adapter = new PrismaPg(pool, {
    disposeExternalPool: true,
    statementNameGenerator: pool.nameOf,
  });
  const db = new PrismaClient({ adapter, transactionOptions: { maxWait: 3_000, timeout: 5_000 } });
  pools.set(db, pool);
  pool.serve(db);
  return db;
}

/** Closes the connections of a database, once those in use are given back. */
export async function closeDatabase(db: Database): Promise<void> {
  await db.$disconnect();
}

const pools = new WeakMap<Database, SqlPool>();

const maxRepeats = 5;

/**
 * Runs `work` in one transaction (READ COMMITTED) and repeats it in place when PostgreSQL resolved a deadlock or a
 * serialization failure against it; `work` must have no effect outside the transaction.
 */
export async function inTransaction<T>(db: Database, work: (tx: Transaction) => Promise<T>): Promise<T> {
  const pool = pools.get(db);
  if (pool === undefined) throw new Error('this database was not made by createDatabase');
  for (let repeats = 0; ; repeats += 1) {
    try {
      return await pool.transaction<Transaction, T>((begun) => db.$transaction(begun), work);
    } catch (error) {
      if (repeats >= maxRepeats || !isTransientConflict(error)) throw error;
    }
  }
}

/** Deadlock (40P01) or serialization failure (40001), as Prisma (P2034) or the driver names it. */
export function isTransientConflict(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const { code, meta } = error as {
    code?: unknown;
    meta?: { driverAdapterError?: { cause?: { originalCode?: string } } };
  };
  const state = error instanceof DatabaseError ? code : meta?.driverAdapterError?.cause?.originalCode;
  return code === 'P2034' || state === '40P01' || state === '40001';
}

/**
 * Of a statement past Prisma: PostgreSQL is there and refused it, so something in it may be why. Not so when it is away,
 * without resources, or out of time (SQLSTATE 08, 53, 57, 58).
 */
export function isRefusal(error: unknown): boolean {
  return error instanceof DatabaseError && !/^(08|5[378])/.test(error.code ?? '');
}

/** Two writers made the same thing: a UNIQUE constraint refused the second (P2002, 23505). */
export function isUniqueViolation(error: unknown): boolean {
  if (error instanceof DatabaseError) return error.code === '23505';
  return error instanceof Prisma.PrismaClientKnownRequestError && error.code === 'P2002';
}

/** PostgreSQL's clock; the only one by which money and due dates are judged. */
export async function databaseNow(tx: Transaction): Promise<Date> {
  const [row] = await sql(tx).query<[{ now: Date }]>`SELECT clock_timestamp() AS now`;
  return row.now;
}
