/** A payment's row and a provider that says what a test wrote for it: the activities of `payment/{id}`. */
import { ApplicationFailure } from '@temporalio/common';
import type { AttemptActivities, PaymentActivities, PaymentState } from '../../../activities/payment';
import type { PaymentKind, PaymentStatus } from '../../../domain/payment/payment';
import type { RefundStatus } from '../../../domain/payment/refund';
import type { SkippedTime } from './skipped-time';

/** A payment's row and a provider that says `charge`, `lookup` on each call; undefined: no clear answer. */
export function scriptPayment(
  time: SkippedTime,
  begin: PaymentStatus | null,
  script: {
    calls?: PaymentStatus[];
    lookups?: PaymentStatus[];
    refunds?: RefundStatus[];
    kind?: PaymentKind;
    refused?: true;
  } = {},
) {
  const log: { what: string; atMs: number }[] = [];
  const calls = [...(script.calls ?? [])];
  const lookups = [...(script.lookups ?? [])];
  const refunds = [...(script.refunds ?? [])];
  let state: PaymentState = {
    payment_id: 'pay_1',
    subscription_id: 'sub_1',
    customer_id: 'cus_1',
    amount: 1000,
    currency: 'EUR',
    kind: script.kind ?? 'first',
    status: begin ?? 'requested',
    attempt: begin === null ? null : { number: 1, status: begin as 'processing', trigger: 'first' },
    created_at: new Date(0).toISOString(),
    refunds_due: [],
    test_clock: null,
  };
  const set = (status: PaymentStatus, number = state.attempt?.number ?? 1): PaymentState => {
    state = { ...state, status, attempt: { number, status: status as 'completed', trigger: 'first' } };
    return state;
  };
  const note = async (what: string) => {
    log.push({ what, atMs: await time.env.currentTimeMs() });
  };
  const activities: PaymentActivities & AttemptActivities = {
    attemptPayment: async ({ number, trigger }) => {
      await note(trigger === 'first' ? `attempt ${number}` : `attempt ${number} (${trigger})`);
      if (script.refused) return { status: 'refused', reason: 'subscription_final' };
      set(calls.shift() ?? 'processing', number);
      state = { ...state, other_card: false };
      return { status: 'open' };
    },
    signalRetry: () => note('tell retry'),
    loadPayment: async () => {
      await note('load');
      return state;
    },
    repeatCall: async () => {
      await note('call');
      const answer = calls.shift();
      if (answer === undefined) throw ApplicationFailure.retryable('nothing', 'no_clear_answer');
      return set(answer);
    },
    markUnknown: async () => {
      await note('unknown');
      return set('unknown');
    },
    lookUp: async (_, provesAbsence, progress) => {
      await note(provesAbsence ? 'lookup that counts' : 'lookup');
      const answer = lookups.shift();
      if (answer !== undefined) set(answer);
      if (state.attempt === null) return state;
      // As the row has it.
      const open_since = new Date(progress.unknownSinceMs).toISOString();
      const looked_up_at = state.test_clock?.now ?? new Date(await time.env.currentTimeMs()).toISOString();
      const attempt = { ...state.attempt, lookups: progress.lookups, open_since, looked_up_at };
      return (state = { ...state, attempt });
    },
    endNotCompleted: async () => {
      await note('end');
      return set('failed');
    },
    cancelPayment: async (_, { reason }) => {
      await note(`cancel ${reason}`);
      return state.attempt === null ? ((state = { ...state, status: 'cancelled' }), state) : state;
    },
    recordNextLookup: (_, _attempt, at) => note(`next question ${at}`),
    requestOperatorDecision: () => note('operator'),
    reserveRefund: async (_, { refund_id, amount }) => {
      await note(`reserve ${amount ?? 'all'}`);
      if (state.status !== 'completed') return { kind: 'refused', reason: 'not_paid' };
      state = { ...state, refunds_due: [refund_id] };
      return { kind: 'reserved', refund: refundOf(refund_id, 'pending') };
    },
    payRefund: async (refundId) => {
      await note(`refund ${refundId}`);
      const status = refunds.shift() ?? 'pending';
      if (status !== 'pending') state = { ...state, refunds_due: [] };
      return refundOf(refundId, status);
    },
    requestRefundDecision: () => note('operator about refund'),
    signalFirstPaymentSettled: (id, { outcome }) => note(`tell ${id} ${outcome}`),
  };
  /** The customer's time is a clock's from now on. */
  const bind = (now: string, absence_counts_at = new Date(0).toISOString()) => {
    state = { ...state, test_clock: { id: 'clk_1', now, absence_counts_at } };
  };
  const promise = (...ids: string[]) => {
    state = { ...state, refunds_due: ids };
  };
  const giveOtherCard = () => {
    state = { ...state, other_card: true };
  };
  const whats = () => log.map(({ what }) => what);
  /** The minutes from each entry that begins so to the next one. */
  const minutesBetween = (beginning: string): number[] => {
    const made = log.filter(({ what }) => what.startsWith(beginning)).map(({ atMs }) => atMs);
    return made.slice(1).map((atMs, at) => Math.round((atMs - (made[at] ?? 0)) / 60_000));
  };
  return { activities, log, settle: set, promise, bind, giveOtherCard, whats, minutesBetween };
}

const refundOf = (id: string, status: RefundStatus) => ({
  id,
  payment_id: 'pay_1',
  amount: 1000,
  currency: 'EUR',
  status,
  reason: 'goodwill',
  at: new Date(0).toISOString(),
  created_at: new Date(0).toISOString(),
});
