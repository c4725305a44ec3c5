/**
 * Follows up a payment whose attempt has no clear answer, until it is settled; carries wishes to cancel, and refunds.
 *
 * It begins no attempt but the first one: of a payment of its own (manual), and of a first payment when whoever was to
 * begin it could not. Invariants: unknown is not failed: nothing new is tried while the provider has not told; a run
 * ends when the attempt is settled, nothing is to be paid out and nothing is asked of it; each step judges by the row that its activity returns.
 */
import {
  allHandlersFinished,
  condition,
  defineSignal,
  defineUpdate,
  patched,
  setHandler,
} from '@temporalio/workflow';
import type { PaymentState } from '../../activities/payment';
import type {
  CancelPayment,
  ClockAdvanced,
  PaymentInput,
  RefundCommand,
} from '../../contracts/workflows/commands';
import type { Refund } from '../../contracts/http/refunds';
import { isAttemptOpen, isPaymentPaid, type PaymentStatus } from '../../domain/payment/payment';
import { createMessageQueue } from '../message-queue';
import { repeatCall, steps } from './activities';
import { createPaymentClock, type NextStep } from './clock';
import { introducePayment, showPayment } from './display';
import { createLookups } from './lookups';
import { createPayouts } from './refunds';

/** Somebody else wrote the row: look at it. */
export const settled = defineSignal('settled');
/** The payment is not wanted any more. */
export const cancel = defineSignal<[CancelPayment]>('cancel');
/** The same wish, of somebody who waits: answers what the payment is then. */
export const cancelNow = defineUpdate<PaymentStatus, [CancelPayment]>('cancel');
/** The customer's test clock moved. */
export const clockAdvanced = defineSignal<[ClockAdvanced]>('clockAdvanced');
/** Gives money back; answers the refund as it stands then. Refused with `payment_not_refundable`. */
export const refund = defineUpdate<Refund, [RefundCommand]>('refund');

export async function payment({
  payment_id: paymentId,
  incomplete_hours: incompleteHours,
}: PaymentInput): Promise<void> {
  const requests: CancelPayment[] = [];
  const queue = createMessageQueue();
  const payouts = createPayouts(paymentId);
  const clock = createPaymentClock();
  let notified = false;
  setHandler(settled, () => {
    notified = true;
  });
  setHandler(cancel, (request) => {
    requests.push(request);
  });
  setHandler(cancelNow, ({ reason }) =>
    queue.ask(async () => (await steps.cancelPayment(paymentId, reason)).status),
  );
  setHandler(clockAdvanced, clock.advance);
  setHandler(refund, (command) => queue.ask(() => payouts.execute(command)));

  const isRequested = () => requests.length > 0 || queue.hasWork();
  const hasMessage = () => notified || isRequested();
  let state = await steps.loadPayment(paymentId);
  if (state !== null) introducePayment(state);
  if (state !== null && isUnattempted(state) && !isRequested()) {
    await attemptFirst(state);
    state = await steps.loadPayment(paymentId);
  }
  if (state?.attempt?.status === 'processing') state = await repeatCall(paymentId);
  const lookups = createLookups(paymentId, incompleteHours, customersNowMs(state));
  for (;;) {
    const request = requests.shift();
    if (request !== undefined && state !== null) state = await steps.cancelPayment(paymentId, request.reason);
    else if (queue.hasWork()) {
      await queue.takeOne();
      state = await steps.loadPayment(paymentId);
    } else if (state !== null && isAtWork(state)) state = await advance(state);
    else {
      if (state !== null) await signalFirstPaymentSettled(state);
      await condition(() => isRequested() || allHandlersFinished());
      // What was said or asked meanwhile is not lost with the run. Runs of the first release ended all the same.
      if (notified && patched('look-again-when-told')) {
        notified = false;
        state = await steps.loadPayment(paymentId);
      } else if (!isRequested()) return;
    }
  }

  function isAtWork(held: PaymentState): boolean {
    return (held.attempt !== null && isAttemptOpen(held.attempt.status)) || payouts.nextAtMs(held) !== null;
  }

  /** A refund or a question to the provider when its time has come; a look at the row when somebody spoke before. */
  async function advance(held: PaymentState): Promise<PaymentState | null> {
    const lookup = lookups.next(held);
    const payoutAtMs = payouts.nextAtMs(held);
    showPayment(held, lookup);
    const isPayout = payoutAtMs !== null && (lookup === null || payoutAtMs <= lookup.atMs);
    const atMs = isPayout ? payoutAtMs : (lookup?.atMs ?? null);
    let next: NextStep = isPayout ? 'payout' : 'question';
    if (held.test_clock) next = await clock.waitFor(held, lookup, payoutAtMs, hasMessage);
    else if (await hadMessage(atMs, hasMessage)) next = 'look';
    if (next === 'look') {
      notified = false;
      return steps.loadPayment(paymentId);
    }
    if (next === 'payout') await payouts.payNext(held);
    else if (lookup !== null) return lookups.ask(lookup);
    return steps.loadPayment(paymentId);
  }
}

/** A payment of its own, or the one that creates a subscription and whose attempt was wanted and never written. */
function isUnattempted({ kind, status, attempt }: PaymentState): boolean {
  return (kind === 'first' || kind === 'manual') && status === 'requested' && attempt === null;
}

async function attemptFirst({ payment_id: paymentId, kind }: PaymentState): Promise<void> {
  const trigger = kind === 'manual' ? 'manual' : 'first';
  const answer = await steps.attemptPayment({ payment_id: paymentId, number: 1, trigger });
  // A subscription waits for its first payment and decides itself; nobody comes back to a payment of its own.
  if (kind === 'manual' && answer.status === 'refused') await steps.cancelPayment(paymentId, answer.reason);
}

/** True when somebody spoke before the instant; null: waits for that alone. */
async function hadMessage(atMs: number | null, hasMessage: () => boolean): Promise<boolean> {
  // What is due already is not put off for those who speak.
  if (atMs === 0) return false;
  if (atMs !== null) return condition(hasMessage, Math.max(1, atMs - Date.now()));
  await condition(hasMessage);
  return true;
}

/** Runs that began before there were test clocks hold states without one. */
function customersNowMs(state: PaymentState | null): number {
  const clock = (state as Partial<PaymentState> | null)?.test_clock;
  return clock ? Date.parse(clock.now) : Date.now();
}

/** First and proration payments are waited for by their subscription. */
async function signalFirstPaymentSettled(final: PaymentState): Promise<void> {
  // A later attempt was made by the collection, which waits for its outcome.
  if ((final.attempt?.number ?? 0) > 1) await steps.signalRetry(final.payment_id);
  const waitedFor = final.kind === 'first' || final.kind === 'proration';
  if (!waitedFor || final.subscription_id === null || final.attempt === null) return;
  const outcome = isPaymentPaid(final.status) ? 'completed' : 'failed';
  await steps.signalFirstPaymentSettled(final.subscription_id, { payment_id: final.payment_id, outcome });
}
