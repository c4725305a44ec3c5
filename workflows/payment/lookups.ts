/** The lookups of an open attempt at the provider, each when its time has come, for as long as it is open. */
import { patched } from '@temporalio/workflow';
import type { PaymentState } from '../../activities/payment';
import type { PaymentInput } from '../../contracts/workflows/commands';
import { isAttemptOpen } from '../../domain/payment/payment';
import {
  isDaily,
  nextLookup,
  openPayment,
  type Lookup,
  type LookupProgress,
} from '../../domain/payment/unknown-outcome';
import { steps } from './activities';
import { hasOtherCard } from './other-card';

export interface Lookups {
  /** Null: no attempt is open. */
  next(state: PaymentState): Lookup | null;
  run(state: PaymentState, lookup: Lookup): Promise<PaymentState>;
}

/** @param beganMs when the run began, by the customer's time: the beginning of what was never looked up */
export function createLookups(input: PaymentInput, beganMs: number): Lookups {
  const { payment_id: paymentId, incomplete_hours: incompleteHours, first_lookup_seconds: first } = input;
  /** Made in this run; the rows count them, save those of histories that are older. */
  let made = 0;
  const progressOf = ({ attempt }: PaymentState): LookupProgress => ({
    unknownSinceMs: instantMs(attempt?.open_since) ?? beganMs,
    lookups: attempt?.lookups ?? made,
    lastLookupMs: instantMs(attempt?.looked_up_at),
    incompleteHours,
    firstLookupMs: first === undefined ? undefined : first * 1_000,
  });
  return {
    next(state) {
      const { attempt } = state;
      // The attempt's own state: the payment may have been paid by another one.
      if (attempt === null || !isAttemptOpen(attempt.status)) return null;
      const progress = progressOf(state);
      const lookup = nextLookup(
        openPayment({ ...state, other_card: hasOtherCard(state) }, attempt),
        progress,
      );
      // Histories of before end here: their runs waited for a webhook or an operator.
      const isOfBefore = isDaily(progress) && !lookup.last && !patched('daily-lookups');
      return isOfBefore ? null : lookup;
    },
    async run(state, lookup) {
      const progress = progressOf(state);
      if (lookup.last) return steps.endNotCompleted(paymentId, progress);
      made += 1;
      const withThis = { ...progress, lookups: progress.lookups + 1 };
      const after = await steps.lookUp(paymentId, lookup.provesAbsence, withThis);
      const usedUp = isDaily(withThis) && !isDaily(progress);
      if (usedUp && after.attempt?.status === 'unknown') await steps.requestOperatorDecision(paymentId);
      return after;
    },
  };
}

function instantMs(text: string | null | undefined): number | null {
  return text === null || text === undefined ? null : Date.parse(text);
}
