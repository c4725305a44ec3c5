/** Removes the free text of commands that were executed, or given up, long ago. */
import type { Logger } from 'pino';
import { forgetTexts } from '../../billing/command-texts';
import type { Database } from '../../prisma/client';
import { batchSize, removeInBatches, startHourly } from '../batches';
import type { Rounds } from '../rounds';

/** Longer than any outage that a command waits through. */
const keptMs = 7 * 24 * 3_600_000;

/** Works at once and then every hour, until it is closed. */
export function startCommandTextRetention(db: Database, log: Logger): Rounds {
  return startHourly(
    (signal) => {
      const before = new Date(Date.now() - keptMs);
      return removeInBatches(signal, () => forgetTexts(db, before, batchSize));
    },
    (error) => log.warn({ err: error }, 'texts of commands not removed, retrying in an hour'),
  );
}
