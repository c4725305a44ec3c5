/**
 * Removes the payloads of events that were published long ago; the rows stay for the timeline.
 *
 * Invariants: only published rows lose their payload, by PostgreSQL's clock; one process at a time works on it, in
 * small transactions; the next round makes up for a failed one.
 */
import type { Logger } from 'pino';
import { inTransaction, type Database } from '../../prisma/client';
import { sql } from '../../prisma/sql';
import { startRounds, type Rounds } from '../rounds';

/** The advisory lock of the process that works on it; the first key is the relay's, too, and the second is no shard. */
const lock = [7_351_902, 1_001] as const;
const roundMs = 3_600_000;
const batchSize = 1_000;

export interface OutboxRetentionDependencies {
  db: Database;
  retentionDays: number;
  log: Logger;
}

/** Works at once and then every hour, until it is closed. */
export function startOutboxRetention(deps: OutboxRetentionDependencies): Rounds {
  return startRounds(
    roundMs,
    (signal) => forgetOldPayloads(deps, signal),
    (error) => deps.log.warn({ err: error }, 'outbox payloads not removed, retrying in an hour'),
  );
}

async function forgetOldPayloads(deps: OutboxRetentionDependencies, stopping: AbortSignal): Promise<void> {
  let forgotten = 0;
  try {
    while (!stopping.aborted) {
      const count = await forgetBatch(deps);
      forgotten += count;
      if (count < batchSize) break;
    }
  } finally {
    if (forgotten > 0) deps.log.info({ events: forgotten }, 'outbox payloads removed');
  }
}

/** @returns how many rows lost their payload; 0 also while another process works on it */
async function forgetBatch({ db, retentionDays }: OutboxRetentionDependencies): Promise<number> {
  return inTransaction(db, async (tx) => {
    const [mine] = await sql(tx).query<[{ locked: boolean }]>`
      SELECT pg_try_advisory_xact_lock(${lock[0]}::int, ${lock[1]}::int) AS locked`;
    if (!mine.locked) return 0;
    return sql(tx).execute`
      UPDATE outbox_events SET payload = NULL WHERE id IN (
        SELECT id FROM outbox_events
        WHERE published_at IS NOT NULL AND payload IS NOT NULL
          AND published_at < now() - make_interval(days => ${retentionDays}::int)
        ORDER BY published_at LIMIT ${batchSize}
      )`;
  });
}
