/**
 * Statements written by hand: of a transaction, or each by itself on any connection of the pool.
 *
 * Owns: which pool a database has. Prisma's models use the same one, outside of transactions.
 */
import type { Pool, QueryConfig } from 'pg';
import type { PrismaClient } from './generated/client';
import { statementsOver, type StatementNames, type Statements } from './statements';
import { runTransaction, statementsOf, Transaction } from './transaction';

/** Prisma's models for reads and single writes; a transaction is begun by `inTransaction` alone. */
export type Database = Omit<PrismaClient, '$connect' | '$disconnect' | '$extends' | '$on' | '$transaction'>;

/** The connections of a database, and the statements that they keep prepared. */
export interface SqlPool {
  pool: Pool;
  nameOf: StatementNames;
}

interface Served extends SqlPool {
  statements: Statements;
}

const served = new WeakMap<Database, Served>();

/** Lets {@link sql} and {@link transactionOf} find the pool of a database. */
export function serveDatabase(db: Database, { pool, nameOf }: SqlPool): void {
  const connection = {
    run: (statement: QueryConfig) => pool.query(statement),
    enqueue: (): never => {
      throw new Error('outside of a transaction a statement is waited for');
    },
  };
  served.set(db, { pool, nameOf, statements: statementsOver(connection, nameOf) });
}

/** @param of a database of `createDatabase`, or a transaction in progress */
export function sql(of: Database | Transaction): Statements {
  return of instanceof Transaction ? statementsOf(of) : servedBy(of).statements;
}

/** Runs `work` in one transaction on a connection of the database's pool. */
export function transactionOf<T>(db: Database, work: (tx: Transaction) => Promise<T>): Promise<T> {
  const { pool, nameOf } = servedBy(db);
  return runTransaction(pool, nameOf, work);
}

function servedBy(db: Database): Served {
  const found = served.get(db);
  if (found === undefined) throw new Error('neither a database nor a transaction of prisma/client.ts');
  return found;
}
