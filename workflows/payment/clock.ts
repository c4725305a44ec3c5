/**
 * Waiting by a test clock: `payment/{id}` of a customer who is bound to one asks when the clock gets there.
 *
 * Invariants: the clock knows from the row where it has to stop, before this workflow waits for it; what is technical
 * (a call that may still be on its way, a refund's repeats) waits in real time.
 */
import { condition } from '@temporalio/workflow';
import type { PaymentState } from '../../activities/payment';
import type { ClockAdvanced } from '../../contracts/workflows/commands';
import { isAttemptOpen } from '../../domain/payment/payment';
import type { Lookup } from '../../domain/payment/unknown-outcome';
import { steps } from './activities';

/** Workers' and the database's clocks differ a little. */
const marginMs = 1_000;

/** `look`: somebody spoke before there was anything to do. */
export type NextStep = 'look' | 'question' | 'payout';

export interface PaymentClock {
  /** What the signal `clockAdvanced` says. */
  advance(advanced: ClockAdvanced): void;
  /**
   * Waits until the question is due.
   * @param payoutAtMs real time at which a refund is due; null: none is
   */
  waitFor(
    state: PaymentState,
    lookup: Lookup | null,
    payoutAtMs: number | null,
    hasMessage: () => boolean,
  ): Promise<NextStep>;
}

export function createPaymentClock(): PaymentClock {
  let nowMs = 0;
  let noted: string | undefined;

  /** Once for each question of an attempt. */
  async function note({ payment_id, attempt }: PaymentState, lookup: Lookup | null): Promise<void> {
    if (attempt === null || !isAttemptOpen(attempt.status)) return;
    const at = lookup === null ? null : new Date(lookup.atMs).toISOString();
    const wanted = `${attempt.number} ${at}`;
    if (noted === wanted) return;
    await steps.recordNextLookup(payment_id, attempt.number, at);
    noted = wanted;
  }

  return {
    advance: ({ now }) => {
      nowMs = Math.max(nowMs, Date.parse(now));
    },
    async waitFor(state, lookup, payoutAtMs, hasMessage) {
      const clock = state.test_clock;
      if (clock === null) throw new Error(`payment ${state.payment_id} has no test clock`);
      nowMs = Math.max(nowMs, Date.parse(clock.now));
      await note(state, lookup);
      // What is due already is not put off for those who speak.
      if (payoutAtMs === 0) return 'payout';
      const isDue = () => lookup !== null && nowMs >= lookup.atMs;
      const somethingToDo = () => hasMessage() || isDue();
      if (payoutAtMs === null) await condition(somethingToDo);
      else if (payoutAtMs > Date.now() && !somethingToDo())
        await condition(somethingToDo, payoutAtMs - Date.now());
      if (hasMessage()) return 'look';
      if (!isDue()) return 'payout';
      const countsAt = clock.absence_counts_at;
      // What the provider has acknowledged did arrive, whatever it says later.
      const mayBeLost = lookup?.provesAbsence === true && state.attempt?.status === 'unknown';
      if (!mayBeLost || countsAt === null) return 'question';
      const waitMs = Date.parse(countsAt) + marginMs - Date.now();
      return waitMs > 0 && (await condition(hasMessage, waitMs)) ? 'look' : 'question';
    },
  };
}
