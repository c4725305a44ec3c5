/**
 * The state of one payment's follow-up, and its steps.
 *
 * Owns: the payment as an activity returned it last. Invariants:
 * - It is replaced by what an activity returned, never edited.
 * - A step that cannot be done now is repeated later; requests that arrive meanwhile go first.
 */
import { condition } from '@temporalio/workflow';
import type { HeldRefund, PaymentState } from '../../activities/payment';
import type {
  CancelPayment,
  ClockAdvanced,
  PaymentInput,
  RefundCommand,
} from '../../contracts/workflows/commands';
import { isAttemptOpen, isPaymentPaid, type PaymentStatus } from '../../domain/payment/payment';
import type { Lookup } from '../../domain/payment/unknown-outcome';
import { repeatCall, steps, unbounded } from './activities';
import { createPaymentClock, type NextStep, type PaymentClock } from './clock';
import { introducePayment, showPayment } from './display';
import { createLookups } from './lookups';
import { createMessages } from './messages';
import { createOtherCard } from './other-card';
import { createRepeated } from './repeated';
import { createRefunds } from './refunds';

export interface PaymentProcess {
  /** The row was written elsewhere. */
  wake(): void;
  wasWoken(): boolean;
  requestCancellation(request: CancelPayment): void;
  /** Cancels in its turn, for a caller who waits. */
  cancel(request: CancelPayment): Promise<PaymentStatus>;
  refund(command: RefundCommand): Promise<HeldRefund>;
  advanceClock(advanced: ClockAdvanced): void;
  /** Loads the payment, begins its first attempt where that is missing, and repeats a call without an answer. */
  begin(): Promise<void>;
  hasRequest(): boolean;
  handleRequest(): Promise<void>;
  /** Whether an attempt is open, another card is to be charged, or a refund is due. */
  hasOpenWork(): boolean;
  /** Charges another card; refunds or looks the attempt up when its time has come; reloads the row on a message. */
  proceed(): Promise<void>;
  reload(): Promise<void>;
  /** Notifies those who wait for the outcome. @returns false: it has to be repeated */
  reportOutcome(): Promise<boolean>;
  /** The input of a run that continues this one between two steps: the rows have all but the calls for refunds. */
  continued(): PaymentInput;
}

export function createPaymentProcess(input: PaymentInput): PaymentProcess {
  const { payment_id: paymentId } = input;
  const messages = createMessages();
  const { hasMessage, hasRequest } = messages;
  const refunds = createRefunds(paymentId, input.refund_calls);
  const clock = createPaymentClock();
  const otherCard = createOtherCard(paymentId);
  let state: PaymentState | null = null;
  let lookups = createLookups(input, 0);

  async function reload(): Promise<void> {
    messages.forgetWaking();
    state = await unbounded.loadPayment(paymentId);
  }

  const { done } = createRepeated(messages.arrived, reload);

  /** Refunds, or looks the attempt up, when its time has come; reloads the row when a message comes first. */
  async function proceed(held: PaymentState): Promise<void> {
    const lookup = lookups.next(held);
    showPayment(held, lookup);
    const step = await nextStep(held, lookup, refunds.nextAtMs(held), { clock, hasMessage });
    if (step === 'reload') return reload();
    if (step === 'refund') await refunds.payNext(held);
    const found = step === 'lookup' && lookup !== null ? await lookups.run(held, lookup) : null;
    state = found ?? (await unbounded.loadPayment(paymentId));
  }

  async function tryOtherCard(held: PaymentState): Promise<void> {
    await done(async () => void (state = await otherCard.attempt(held)));
    if (state?.attempt?.status === 'processing') state = await repeatCall(paymentId);
  }

  return {
    hasRequest,
    reload,
    wake: messages.wake,
    wasWoken: messages.wasWoken,
    requestCancellation: messages.requestCancellation,
    cancel: (request) =>
      messages.submit('cancel', async () => (await steps.cancelPayment(paymentId, request)).status),
    refund: (command) => messages.submit(command.refund_id, () => refunds.execute(command)),
    advanceClock: clock.advance,
    hasOpenWork: () =>
      state !== null && (hasOpenAttempt(state) || otherCard.isDue(state) || refunds.nextAtMs(state) !== null),
    async begin() {
      state = await beginFollowUp(paymentId, hasRequest, done);
      lookups = createLookups(input, customersNowMs(state));
    },
    async handleRequest() {
      if (messages.hasSubmitted()) {
        await messages.handleSubmitted();
        state = await unbounded.loadPayment(paymentId);
        return;
      }
      const cancellation = messages.cancellation();
      const cancelled = await done(async () => {
        if (cancellation !== undefined && state !== null)
          state = await steps.cancelPayment(paymentId, cancellation);
      });
      if (cancelled) messages.forgetCancellation();
    },
    async proceed() {
      const held = state;
      if (held === null) return;
      if (otherCard.isDue(held)) await tryOtherCard(held);
      else await done(() => proceed(held));
    },
    async reportOutcome() {
      const held = state;
      return held === null || (await done(() => reportSettled(held)));
    },
    continued: () => ({ ...input, refund_calls: refunds.calls() }),
  };
}

/** Loads the payment, begins its first attempt where that is missing, and repeats a call without an answer. */
async function beginFollowUp(
  paymentId: string,
  hasRequest: () => boolean,
  done: (step: () => Promise<void>) => Promise<boolean>,
): Promise<PaymentState | null> {
  let state = await unbounded.loadPayment(paymentId);
  if (state !== null) introducePayment(state);
  if (state !== null && isUnattempted(state) && !hasRequest()) {
    const unattempted = state;
    // One that cannot be made now is found by the reconciliation.
    await done(() => attemptFirst(unattempted));
    state = await unbounded.loadPayment(paymentId);
  }
  return state?.attempt?.status === 'processing' ? repeatCall(paymentId) : state;
}

function hasOpenAttempt({ attempt }: PaymentState): boolean {
  return attempt !== null && isAttemptOpen(attempt.status);
}

/** Whether the attempt of a manual payment, or of a payment that creates a subscription, was never begun. */
function isUnattempted({ kind, status, attempt }: PaymentState): boolean {
  return (kind === 'first' || kind === 'manual') && status === 'requested' && attempt === null;
}

async function attemptFirst({ payment_id: paymentId, kind }: PaymentState): Promise<void> {
  const trigger = kind === 'manual' ? 'manual' : 'first';
  const answer = await steps.attemptPayment({ payment_id: paymentId, number: 1, trigger });
  // A subscription waits for its first payment and decides itself; a manual payment has no one else.
  if (kind === 'manual' && answer.status === 'refused')
    await steps.cancelPayment(paymentId, { reason: answer.reason });
}

/** Waits for the next due step or for a message. @param refundAtMs when a refund is due; null: none is */
async function nextStep(
  held: PaymentState,
  lookup: Lookup | null,
  refundAtMs: number | null,
  { clock, hasMessage }: { clock: PaymentClock; hasMessage: () => boolean },
): Promise<NextStep> {
  if (held.test_clock !== null) return clock.waitFor(held, lookup, refundAtMs, hasMessage);
  const isRefund = refundAtMs !== null && (lookup === null || refundAtMs <= lookup.atMs);
  const atMs = isRefund ? refundAtMs : (lookup?.atMs ?? null);
  if (await messageBefore(atMs, hasMessage)) return 'reload';
  return isRefund ? 'refund' : 'lookup';
}

/** Waits until the instant. @returns whether a message came before @param atMs null: waits for a message alone */
async function messageBefore(atMs: number | null, hasMessage: () => boolean): Promise<boolean> {
  // A message does not postpone what is due already.
  if (atMs === 0) return false;
  if (atMs !== null) return condition(hasMessage, Math.max(1, atMs - Date.now()));
  await condition(hasMessage);
  return true;
}

function customersNowMs(state: PaymentState | null): number {
  const clock = state?.test_clock ?? null;
  return clock === null ? Date.now() : Date.parse(clock.now);
}

/** First and proration payments have a subscription that waits for them; later attempts have a retry that does. */
async function reportSettled(final: PaymentState): Promise<void> {
  if ((final.attempt?.number ?? 0) > 1) await steps.signalRetry(final.payment_id);
  const waitedFor = final.kind === 'first' || final.kind === 'proration';
  if (!waitedFor || final.subscription_id === null || final.attempt === null) return;
  const outcome = isPaymentPaid(final.status) ? 'completed' : 'failed';
  await steps.signalFirstPaymentSettled(final.subscription_id, { payment_id: final.payment_id, outcome });
}
