/**
 * Continues erasures of customers: those too large for one call, those that were cut off, and the later passes.
 *
 * Invariants: several processes share the work, one at a time on a customer; the next round makes up for a failed one.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from 'pino';
import { continueErasures } from '../billing/customer/erase';
import type { Database } from '../prisma/client';

const pollMs = 10_000;

export interface Erasures {
  /** Finishes the batch in progress. */
  close(): Promise<void>;
}

/** Works at once and then every ten seconds, until it is closed. */
export function startErasures(db: Database, log: Logger): Erasures {
  const closing = new AbortController();
  const { signal } = closing;
  const onFailure = (customerId: string, error: unknown) =>
    log.error({ err: error, customer_id: customerId }, 'erasure of a customer not continued, retrying');
  const running = (async () => {
    while (!signal.aborted) {
      try {
        const batches = await continueErasures(db, signal, onFailure);
        if (batches > 0) log.info({ batches }, 'erasures continued');
      } catch (error) {
        log.warn({ err: error }, 'erasures not continued, retrying');
      }
      await sleep(pollMs, undefined, { signal }).catch(() => undefined);
    }
  })();
  return {
    close: () => {
      closing.abort();
      return running;
    },
  };
}
