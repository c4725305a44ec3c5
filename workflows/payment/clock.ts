/**
 * Waits by a test clock: `payment/{id}` of a customer with a test clock looks an attempt up when the clock gets there.
 *
 * Invariants: the clock reads from the row where it has to stop, before this workflow waits for it; technical waits (for
 * a call that may still be in flight, between two calls of a refund) are in real time.
 */
import { condition } from '@temporalio/workflow';
import type { PaymentState } from '../../activities/payment';
import type { ClockAdvanced } from '../../contracts/workflows/commands';
import { isAttemptOpen } from '../../domain/payment/payment';
import type { Lookup } from '../../domain/payment/unknown-outcome';
import { steps } from './activities';

/** Workers' and the database's clocks differ a little. */
const marginMs = 1_000;

/** `reload`: a message came before anything was due. */
export type NextStep = 'reload' | 'lookup' | 'refund';

export interface PaymentClock {
  /** Handles the signal `clockAdvanced`. */
  advance(advanced: ClockAdvanced): void;
  /**
   * Waits until the lookup is due.
   * @param refundAtMs real time at which a refund is due; null: none is
   */
  waitFor(
    state: PaymentState,
    lookup: Lookup | null,
    refundAtMs: number | null,
    hasMessage: () => boolean,
  ): Promise<NextStep>;
}

export function createPaymentClock(): PaymentClock {
  let nowMs = 0;
  let recorded: string | undefined;

  /** Records each lookup of an attempt once. */
  async function recordLookup({ payment_id, attempt }: PaymentState, lookup: Lookup | null): Promise<void> {
    if (attempt === null || !isAttemptOpen(attempt.status)) return;
    const at = lookup === null ? null : new Date(lookup.atMs).toISOString();
    const next = `${attempt.number} ${at}`;
    if (recorded === next) return;
    await steps.recordNextLookup(payment_id, attempt.number, at);
    recorded = next;
  }

  return {
    advance: ({ now }) => {
      nowMs = Math.max(nowMs, Date.parse(now));
    },
    async waitFor(state, lookup, refundAtMs, hasMessage) {
      const clock = state.test_clock;
      if (clock === null) throw new Error(`payment ${state.payment_id} has no test clock`);
      nowMs = Math.max(nowMs, Date.parse(clock.now));
      await recordLookup(state, lookup);
      // A message does not postpone what is due already.
      if (refundAtMs === 0) return 'refund';
      const isDue = () => lookup !== null && nowMs >= lookup.atMs;
      const somethingToDo = () => hasMessage() || isDue();
      if (refundAtMs === null) await condition(somethingToDo);
      else if (refundAtMs > Date.now() && !somethingToDo())
        await condition(somethingToDo, refundAtMs - Date.now());
      if (hasMessage()) return 'reload';
      if (!isDue()) return 'refund';
      const countsAt = clock.absence_counts_at;
      // An attempt that the provider has acknowledged did arrive, whatever it answers later.
      const mayBeLost = lookup?.provesAbsence === true && state.attempt?.status === 'unknown';
      if (!mayBeLost || countsAt === null) return 'lookup';
      const waitMs = Date.parse(countsAt) + marginMs - Date.now();
      return waitMs > 0 && (await condition(hasMessage, waitMs)) ? 'reload' : 'lookup';
    },
  };
}
