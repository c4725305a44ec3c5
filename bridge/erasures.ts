/**
 * Continues erasures of customers: those too large for one call, those that were cut off, and the later passes.
 *
 * Invariants: several processes share the work, one at a time on a customer; the next round makes up for a failed one.
 */
import type { Logger } from 'pino';
import { continueErasures } from '../billing/customer/erase';
import type { Database } from '../prisma/client';
import { startRounds, type Rounds } from './rounds';

const pollMs = 10_000;

/** Works at once and then every ten seconds, until it is closed. */
export function startErasures(db: Database, log: Logger): Rounds {
  const onFailure = (customerId: string, error: unknown) =>
    log.error({ err: error, customer_id: customerId }, 'erasure of a customer not continued, retrying');
  return startRounds(
    pollMs,
    async (signal) => {
      const batches = await continueErasures(db, signal, onFailure);
      if (batches > 0) log.info({ batches }, 'erasures continued');
    },
    (error) => log.warn({ err: error }, 'erasures not continued, retrying'),
  );
}
