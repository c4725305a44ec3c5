/**
 * Forgetting the bodies of old webhooks.
 *
 * Owns: when to look. Does not own the rows (`billing/webhook/store.ts`). Invariants: what was read in a webhook
 * stays, so that it can still be replayed and shown; several at once share the work.
 */
import type { Logger } from 'pino';
import type { Database } from '../../prisma/client';
import { forgetBodies } from '../../billing/webhook/store';
import { batchSize, removeInBatches, startHourly } from '../batches';
import type { Rounds } from '../rounds';

const dayMs = 24 * 3_600_000;

/** Looks at once and then every hour, until it is closed. */
export function startBodyRetention(db: Database, retentionDays: number, log: Logger): Rounds {
  return startHourly(
    (signal) => {
      const before = new Date(Date.now() - retentionDays * dayMs);
      return removeInBatches(signal, () => forgetBodies(db, before, batchSize));
    },
    (error) => log.warn({ err: error }, 'webhook bodies not removed, retrying in an hour'),
  );
}
