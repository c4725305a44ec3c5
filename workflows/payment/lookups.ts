/** The lookups of an open attempt at the provider, each when its time has come. */
import type { PaymentState } from '../../activities/payment';
import { isAttemptOpen } from '../../domain/payment/payment';
import {
  lookupScheduleMs,
  nextLookup,
  type Lookup,
  type LookupProgress,
} from '../../domain/payment/unknown-outcome';
import { steps } from './activities';

export interface Lookups {
  /** Null: no lookup is left; only a webhook or an operator can settle the attempt. */
  next(state: PaymentState): Lookup | null;
  run(lookup: Lookup): Promise<PaymentState>;
}

/** @param unknownSinceMs when the outcome became unknown, by the customer's time */
export function createLookups(paymentId: string, incompleteHours: number, unknownSinceMs: number): Lookups {
  let lookups = 0;
  const progress = (): LookupProgress => ({ unknownSinceMs, lookups, incompleteHours });
  return {
    next({ kind, attempt, created_at }) {
      // The attempt's own state: the payment may have been paid by another one.
      if (attempt === null || !isAttemptOpen(attempt.status)) return null;
      const waiting = { kind, status: attempt.status, created_at };
      return nextLookup(waiting, progress());
    },
    async run(lookup) {
      if (lookup.last) return steps.endNotCompleted(paymentId, progress());
      lookups += 1;
      const after = await steps.lookUp(paymentId, lookup.provesAbsence, progress());
      const usedUp = lookups === lookupScheduleMs.length;
      if (usedUp && after.attempt?.status === 'unknown') await steps.requestOperatorDecision(paymentId);
      return after;
    },
  };
}
