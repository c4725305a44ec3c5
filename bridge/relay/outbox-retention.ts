/**
 * Removes the payloads of events that were published long ago; the rows stay for the timeline.
 *
 * Invariants: only published rows lose their payload, by PostgreSQL's clock; one process at a time works on it, in
 * small transactions; the next round makes up for a failed one.
 */
import type { Logger } from 'pino';
import type { Database } from '../../prisma/client';
import { sql } from '../../prisma/sql';
import { batchAlone, batchSize, removeInBatches, startHourly } from '../batches';
import type { Rounds } from '../rounds';

/** The advisory lock of the process that works on it. */
const lock = 1_001;

export interface OutboxRetentionDependencies {
  db: Database;
  retentionDays: number;
  log: Logger;
}

/** Works at once and then every hour, until it is closed. */
export function startOutboxRetention(deps: OutboxRetentionDependencies): Rounds {
  return startHourly(
    (signal) =>
      removeInBatches(
        signal,
        () => forgetBatch(deps),
        (events) => deps.log.info({ events }, 'outbox payloads removed'),
      ),
    (error) => deps.log.warn({ err: error }, 'outbox payloads not removed, retrying in an hour'),
  );
}

/** @returns how many rows lost their payload; 0 also while another process works on it */
function forgetBatch({ db, retentionDays }: OutboxRetentionDependencies): Promise<number> {
  return batchAlone(
    db,
    lock,
    (tx) => sql(tx).execute`
      UPDATE outbox_events SET payload = NULL WHERE id IN (
        SELECT id FROM outbox_events
        WHERE published_at IS NOT NULL AND payload IS NOT NULL
          AND published_at < now() - make_interval(days => ${retentionDays}::int)
        ORDER BY published_at LIMIT ${batchSize}
      )`,
  );
}
