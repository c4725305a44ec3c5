/**
 * How far the reconciliation has come with each predicate: a round continues where the one before it stopped, and a pass
 * is over when it has seen all rows.
 */
import type { Predicate } from '../../domain/stuck-work';
import { databaseNow, inTransaction, type Database, type Transaction } from '../../prisma/client';
import { sql } from '../../prisma/sql';
import type { Position } from './window';

export interface Pass {
  /** Null: it begins. */
  position: Position | null;
  /** By PostgreSQL's clock; of one that begins, null. */
  began_at: Date | null;
  /** Findings of this pass so far. */
  found: number;
}

const beginning: Pass = { position: null, began_at: null, found: 0 };

/** Reads where a predicate's pass continues. */
export async function readPass(db: Database, predicate: Predicate): Promise<Pass> {
  const [row] = await sql(db).query<Pass[]>`
    SELECT position, began_at, found FROM reconciliation_passes WHERE predicate = ${predicate} AND position IS NOT NULL`;
  return row ?? beginning;
}

/** Under this name the sweep over processes is a pass, too. */
export const sweepName = 'missing_workflow';

/** Writes that a sweep over all processes is over. */
export async function recordSweep(db: Database, found: number): Promise<void> {
  await inTransaction(db, async (tx) => {
    const now = await databaseNow(tx);
    enqueuePass(tx, sweepName, { position: null, began_at: now, found }, now);
  });
}

/** Writes how far a pass has come. @param pass at its end its position is null */
export function enqueuePass(
  tx: Transaction,
  predicate: Predicate | typeof sweepName,
  { position, began_at: beganAt, found }: Pass & { began_at: Date },
  now: Date,
): void {
  const isOver = position === null;
  sql(tx).enqueue`
    INSERT INTO reconciliation_passes (predicate, position, began_at, found, completed_at, found_by_completed)
    VALUES (${predicate}, ${isOver ? null : JSON.stringify(position)}::jsonb, ${beganAt}, ${found},
      ${isOver ? now : null}, ${isOver ? found : null})
    ON CONFLICT (predicate) DO UPDATE SET position = excluded.position, began_at = excluded.began_at,
      found = excluded.found,
      completed_at = coalesce(excluded.completed_at, reconciliation_passes.completed_at),
      found_by_completed = coalesce(excluded.found_by_completed, reconciliation_passes.found_by_completed)`;
}

export interface CompletedPass {
  predicate: string;
  completed_at: Date | null;
  /** What it found. */
  found: number | null;
}

/** Reads when each predicate's last whole pass ended. */
export async function completedPasses(db: Database): Promise<CompletedPass[]> {
  return sql(db).query<CompletedPass[]>`
    SELECT predicate, completed_at, found_by_completed AS found FROM reconciliation_passes`;
}
