/** The lookups of an open attempt at the provider, each when its time has come. */
import type { PaymentState } from '../../activities/payment';
import type { PaymentInput } from '../../contracts/workflows/commands';
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
export function createLookups(input: PaymentInput, unknownSinceMs: number): Lookups {
  const { payment_id: paymentId, incomplete_hours: incompleteHours, first_lookup_seconds: first } = input;
  const firstLookupMs = first === undefined ? undefined : first * 1_000;
  let lookups = 0;
  const progress = (): LookupProgress => ({
    unknownSinceMs,
    lookups,
    incompleteHours,
    firstLookupMs,
  });
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
