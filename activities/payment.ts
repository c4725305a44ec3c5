/** The Payment Service's activities. `attemptPayment` is called by the workflows of other services, too. */
import type { FirstPaymentSettled, RefundCommand } from '../contracts/workflows/commands';
import type { Refund } from '../contracts/http/refunds';
import { isFinal, type SubscriptionStatus } from '../domain/subscription/subscription';
import type { LookupProgress } from '../domain/payment/unknown-outcome';
import { attemptPayment, type AttemptDependencies } from '../billing/payment/attempt';
import type { AttemptAnswer, AttemptRequest } from '../billing/payment/begin-attempt';
import {
  requestOperatorDecision,
  cancelPayment,
  endNotCompleted,
  loadPayment,
  lookUp,
  markUnknown,
  recordNextLookup,
  repeatCall,
} from '../billing/payment/follow-up';
import type { Messenger } from '../temporal/messenger';
import type { PaymentState } from '../billing/payment/payment-state';
import {
  requestRefundDecision,
  payRefund,
  reserveRefund,
  type ReservedRefund,
} from '../billing/payment/pay-refund';

export type { AttemptAnswer, AttemptRequest } from '../billing/payment/begin-attempt';
export type { PaymentState } from '../billing/payment/payment-state';
export type { ReservedRefund } from '../billing/payment/pay-refund';

/** Called as a local activity by whoever collects. */
export interface AttemptActivities {
  attemptPayment(request: AttemptRequest): Promise<AttemptAnswer>;
}

export interface PaymentActivities {
  loadPayment(paymentId: string): Promise<PaymentState | null>;
  repeatCall(paymentId: string): Promise<PaymentState>;
  markUnknown(paymentId: string): Promise<PaymentState>;
  /** @param progress with this question; left out by workflows of the first release */
  lookUp(paymentId: string, provesAbsence: boolean, progress?: LookupProgress): Promise<PaymentState>;
  endNotCompleted(paymentId: string, progress?: LookupProgress): Promise<PaymentState>;
  cancelPayment(paymentId: string, reason: string): Promise<PaymentState>;
  requestOperatorDecision(paymentId: string): Promise<void>;
  /** For customers with a test clock. @param at by that clock; null: nothing is left to ask */
  recordNextLookup(paymentId: string, attempt: number, at: string | null): Promise<void>;
  reserveRefund(paymentId: string, command: RefundCommand): Promise<ReservedRefund>;
  payRefund(refundId: string): Promise<Refund>;
  requestRefundDecision(refundId: string): Promise<void>;
  /** Tells `retry/{id}` that the attempt which it waits for has its outcome. */
  signalRetry(paymentId: string): Promise<void>;
  /** A final subscription has nothing to be told; another one’s process is started when it is not there. */
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
    repeatCall: (paymentId) => repeatCall(deps, paymentId),
    markUnknown: (paymentId) => markUnknown(deps, paymentId),
    lookUp: (paymentId, provesAbsence, progress) => lookUp(deps, paymentId, provesAbsence, progress),
    endNotCompleted: (paymentId, progress) => endNotCompleted(deps, paymentId, progress),
    cancelPayment: (paymentId, reason) => cancelPayment(deps, paymentId, reason),
    requestOperatorDecision: (paymentId) => requestOperatorDecision(deps, paymentId),
    recordNextLookup: (paymentId, attempt, at) => recordNextLookup(deps, paymentId, attempt, at),
    reserveRefund: (paymentId, command) => reserveRefund(deps, paymentId, command),
    payRefund: (refundId) => payRefund(deps, refundId),
    requestRefundDecision: (refundId) => requestRefundDecision(deps, refundId),
    signalRetry: (paymentId) => deps.messenger.wakeRetry(paymentId, 'settled'),
    signalFirstPaymentSettled: async (subscriptionId, settled) => {
      const row = await deps.db.subscription.findUnique({ where: { id: subscriptionId } });
      if (row === null || isFinal(row.status as SubscriptionStatus)) return;
      await deps.messenger.signalFirstPaymentSettled(subscriptionId, settled);
    },
  };
}
