/** What `payment/{id}` does about an open attempt of a customer with a test clock, step by step on real rows. */
import { endNotCompleted, lookUp, recordNextLookup } from '../../billing/payment/look-up';
import { readState, type PaymentState } from '../../billing/payment/payment-state';
import { isAttemptOpen } from '../../domain/payment/payment';
import {
  nextLookup,
  openPayment,
  type Lookup,
  type LookupProgress,
} from '../../domain/payment/unknown-outcome';
import type { TestBilling } from './billing';

const incompleteHours = 23;

/** The next lookup of the latest attempt, and how far its follow-up is; null: no attempt is open. */
export function planLookup(state: PaymentState): { lookup: Lookup; progress: LookupProgress } | null {
  const { attempt, test_clock: clock } = state;
  if (attempt === null || !isAttemptOpen(attempt.status)) return null;
  const { open_since: since = null, lookups = 0, looked_up_at: last = null } = attempt;
  const progress: LookupProgress = {
    unknownSinceMs: Date.parse(since ?? clock?.now ?? ''),
    lookups,
    lastLookupMs: last === null ? null : Date.parse(last),
    incompleteHours,
  };
  return { lookup: nextLookup(openPayment(state, attempt), progress), progress };
}

/**
 * Makes each lookup when it is due, and stops before `to`, or when no attempt is open. Each is made more than a real minute
 * after the last call, so that an absence counts.
 * @returns how many it made
 */
export async function lookUpUntil(
  given: TestBilling,
  setNow: (at: string) => Promise<void>,
  paymentId: string,
  to: string,
): Promise<number> {
  for (let made = 0; ; made += 1) {
    const state = await readState(given.db, paymentId);
    const planned = state === null ? null : planLookup(state);
    if (planned === null) return made;
    const { lookup, progress } = planned;
    const at = new Date(lookup.atMs).toISOString();
    await recordNextLookup(given, paymentId, state?.attempt?.number ?? 1, at);
    if (lookup.atMs > Date.parse(to)) return made;
    await setNow(at);
    await given.db.paymentAttempt.updateMany({
      where: { payment_id: paymentId, settled_at: null },
      data: { last_call_ended_at: new Date(Date.now() - 61_000) },
    });
    if (lookup.last) await endNotCompleted(given, paymentId, progress);
    else {
      const withThis = { ...progress, lookups: progress.lookups + 1 };
      await lookUp(given, paymentId, lookup.provesAbsence, withThis);
    }
  }
}
