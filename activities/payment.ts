/** The Payment Service's activities. `attemptPayment` is called by the workflows of other services, too. */
import { ApplicationFailure } from '@temporalio/activity';
import type { CancelPayment, FirstPaymentSettled, RefundCommand } from '../contracts/workflows/commands';
import type { LookupProgress } from '../domain/payment/unknown-outcome';
import { attachTexts } from '../billing/command-texts';
import { attemptPayment, type AttemptDependencies } from '../billing/payment/attempt';
import type { AttemptAnswer, AttemptRequest } from '../billing/payment/begin-attempt';
import { cancelPayment, loadPayment, markUnknown, repeatCall } from '../billing/payment/follow-up';
import {
  endNotCompleted,
  lookUp,
  recordNextLookup,
  requestOperatorDecision,
} from '../billing/payment/look-up';
import { NoClearAnswer } from '../billing/payment/no-clear-answer';
import { messagesOfFirstPayment } from '../billing/payment/first-payment-settled';
import type { Messenger } from '../temporal/messenger';
import { sendMessages } from '../temporal/send';
import { mustRead, UnknownPayment, type PaymentState } from '../billing/payment/payment-state';
import {
  requestRefundDecision,
  payRefund,
  reserveRefund,
  type HeldRefund,
  type ReservedRefund,
} from '../billing/payment/pay-refund';

export type { AttemptAnswer, AttemptRequest } from '../billing/payment/begin-attempt';
export type { PaymentState } from '../billing/payment/payment-state';
export type { HeldRefund, ReservedRefund } from '../billing/payment/pay-refund';

/** A local activity of every service that charges. */
export interface AttemptActivities {
  attemptPayment(request: AttemptRequest): Promise<AttemptAnswer>;
}

export interface PaymentActivities {
  loadPayment(paymentId: string): Promise<PaymentState | null>;
  repeatCall(paymentId: string): Promise<PaymentState>;
  markUnknown(paymentId: string): Promise<PaymentState>;
  /** @param progress with this lookup */
  lookUp(paymentId: string, provesAbsence: boolean, progress: LookupProgress): Promise<PaymentState>;
  endNotCompleted(paymentId: string, progress: LookupProgress): Promise<PaymentState>;
  cancelPayment(paymentId: string, request: CancelPayment): Promise<PaymentState>;
  requestOperatorDecision(paymentId: string): Promise<void>;
  /** For customers with a test clock. @param at by that clock; null: nothing is left to ask */
  recordNextLookup(paymentId: string, attempt: number, at: string | null): Promise<void>;
  reserveRefund(paymentId: string, command: RefundCommand): Promise<ReservedRefund>;
  payRefund(refundId: string): Promise<HeldRefund>;
  requestRefundDecision(refundId: string): Promise<void>;
  /** Signals `retry/{id}` that the attempt which it waits for has its outcome. */
  signalRetry(paymentId: string): Promise<void>;
  /** Signals nothing to a final subscription; starts the process of another one when it does not run. */
  signalFirstPaymentSettled(subscriptionId: string, settled: FirstPaymentSettled): Promise<void>;
}

export function createAttemptActivities(deps: AttemptDependencies): AttemptActivities {
  return { attemptPayment: (request) => attemptPayment(deps, request) };
}

export function createPaymentActivities(
  deps: AttemptDependencies & { messenger: Messenger },
): PaymentActivities {
  return {
    loadPayment: (paymentId) => loadPayment(deps, paymentId),
    repeatCall: (paymentId) => withFailures(repeatCall(deps, paymentId)),
    markUnknown: (paymentId) => withFailures(markUnknown(deps, paymentId)),
    lookUp: (paymentId, provesAbsence, progress) =>
      withFailures(lookUp(deps, paymentId, provesAbsence, progress)),
    endNotCompleted: (paymentId, progress) => withFailures(endedOrOpen(deps, paymentId, progress)),
    async cancelPayment(paymentId, request) {
      const { reason } = await attachTexts(deps.db, request);
      return withFailures(cancelPayment(deps, paymentId, reason));
    },
    requestOperatorDecision: (paymentId) => withFailures(requestOperatorDecision(deps, paymentId)),
    recordNextLookup: (paymentId, attempt, at) => recordNextLookup(deps, paymentId, attempt, at),
    reserveRefund: async (paymentId, command) =>
      withFailures(reserveRefund(deps, paymentId, await attachTexts(deps.db, command))),
    payRefund: (refundId) => payRefund(deps, refundId),
    requestRefundDecision: (refundId) => requestRefundDecision(deps, refundId),
    signalRetry: (paymentId) => deps.messenger.wakeRetry(paymentId, 'settled'),
    signalFirstPaymentSettled: async (subscriptionId, settled) =>
      sendMessages(deps.messenger, await messagesOfFirstPayment(deps.db, subscriptionId, settled)),
  };
}

/** Without an answer the payment stays open, and its follow-up comes back to it. */
async function endedOrOpen(
  deps: AttemptDependencies,
  paymentId: string,
  progress: LookupProgress,
): Promise<PaymentState> {
  try {
    return await endNotCompleted(deps, paymentId, progress);
  } catch (error) {
    if (error instanceof NoClearAnswer) return mustRead(deps.db, paymentId);
    throw error;
  }
}

/** Maps what billing throws to failures that Temporal repeats, or does not. */
async function withFailures<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    if (error instanceof NoClearAnswer) throw ApplicationFailure.retryable(error.message, 'no_clear_answer');
    if (error instanceof UnknownPayment) throw ApplicationFailure.nonRetryable(error.message, 'not_found');
    throw error;
  }
}
