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
import type { Question } from '../../domain/payment/unknown-outcome';
import { steps } from './activities';

/** Workers' and the database's clocks differ a little. */
const marginMs = 1_000;

/** `look`: somebody spoke before there was anything to do. */
export type NextStep = 'look' | 'question' | 'payout';

export interface PaymentClock {
  /** What the signal `clockAdvanced` says. */
  hear(advanced: ClockAdvanced): void;
  /**
   * Waits until the question is due.
   * @param payoutAtMs real time at which a refund is due; null: none is
   */
  waitFor(
    state: PaymentState,
    question: Question | null,
    payoutAtMs: number | null,
    isSpokenTo: () => boolean,
  ): Promise<NextStep>;
}

export function createPaymentClock(): PaymentClock {
  let nowMs = 0;
  let noted: string | undefined;

  /** Once for each question of an attempt. */
  async function note({ payment_id, attempt }: PaymentState, question: Question | null): Promise<void> {
    if (attempt === null || !isAttemptOpen(attempt.status)) return;
    const at = question === null ? null : new Date(question.atMs).toISOString();
    const wanted = `${attempt.number} ${at}`;
    if (noted === wanted) return;
    await steps.noteNextQuestion(payment_id, attempt.number, at);
    noted = wanted;
  }

  return {
    hear: ({ now }) => {
      nowMs = Math.max(nowMs, Date.parse(now));
    },
    async waitFor(state, question, payoutAtMs, isSpokenTo) {
      const clock = state.test_clock;
      if (clock === null) throw new Error(`payment ${state.payment_id} has no test clock`);
      nowMs = Math.max(nowMs, Date.parse(clock.now));
      await note(state, question);
      // What is due already is not put off for those who speak.
      if (payoutAtMs === 0) return 'payout';
      const isDue = () => question !== null && nowMs >= question.atMs;
      const somethingToDo = () => isSpokenTo() || isDue();
      if (payoutAtMs === null) await condition(somethingToDo);
      else if (payoutAtMs > Date.now() && !somethingToDo())
        await condition(somethingToDo, payoutAtMs - Date.now());
      if (isSpokenTo()) return 'look';
      if (!isDue()) return 'payout';
      const countsAt = clock.absence_counts_at;
      // What the provider has acknowledged did arrive, whatever it says later.
      const mayBeLost = question?.provesAbsence === true && state.attempt?.status === 'unknown';
      if (!mayBeLost || countsAt === null) return 'question';
      const waitMs = Date.parse(countsAt) + marginMs - Date.now();
      return waitMs > 0 && (await condition(isSpokenTo, waitMs)) ? 'look' : 'question';
    },
  };
}
