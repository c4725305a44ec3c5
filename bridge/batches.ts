/**
 * Removes what is kept for a time only, in small transactions.
 *
 * Invariants: a batch that is not full is the last one; who finds another process at the same leaves it to that one,
 * which works to the end.
 */
import { inTransaction, type Database, type Transaction } from '../prisma/client';
import { sql } from '../prisma/sql';
import { startRounds, type Rounds } from './rounds';

/** Rows of one transaction at most. */
export const batchSize = 1_000;
const roundMs = 3_600_000;

/** Works at once and then every hour, until it is closed. */
export function startHourly(
  round: (signal: AbortSignal) => Promise<void>,
  onFailure: (error: unknown) => void,
): Rounds {
  return startRounds(roundMs, round, onFailure);
}

/**
 * Repeats `removeBatch` while its batches are full.
 * @param removeBatch answers with how many it has removed, at most {@link batchSize}
 * @param onRemoved is given the sum, also when a batch fails; not called for nothing
 */
export async function removeInBatches(
  signal: AbortSignal,
  removeBatch: () => Promise<number>,
  onRemoved: (removed: number) => void = () => undefined,
): Promise<void> {
  let removed = 0;
  try {
    while (!signal.aborted) {
      const count = await removeBatch();
      removed += count;
      if (count < batchSize) break;
    }
  } finally {
    if (removed > 0) onRemoved(removed);
  }
}

/** The first key of the advisory locks; it is the relay's, too, so the second is no shard. */
const lockSpace = 7_351_902;

/** Runs a batch in a transaction of its own. @returns 0 also while another process holds `lock` */
export async function batchAlone(
  db: Database,
  lock: number,
  batch: (tx: Transaction) => Promise<number>,
): Promise<number> {
  return inTransaction(db, async (tx) => {
    const [mine] = await sql(tx).query<[{ locked: boolean }]>`
      SELECT pg_try_advisory_xact_lock(${lockSpace}::int, ${lock}::int) AS locked`;
    return mine.locked ? batch(tx) : 0;
  });
}
