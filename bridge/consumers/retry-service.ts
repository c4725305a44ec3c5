/**
 * Group retry-service: what a failed payment means for further attempts.
 *
 * Invariant: an outcome is confirmed by our own rows before anything follows from it.
 */
import type { Database } from '../../prisma/client';
import type { Handlers } from '../consumer';
import { confirmPaymentOutcome } from './confirm-outcome';

export function retryServiceHandlers(db: Database): Handlers {
  return {
    'payments.failed': async ({ data }) => void (await confirmPaymentOutcome(db, data)),
  };
}
