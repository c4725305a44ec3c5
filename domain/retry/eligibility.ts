/**
 * Which failed payments have a retry plan. Pure; safe for workflows.
 *
 * Every caller that asks has the answer from here: the Retry Service (whether a failure starts a retry), its planner,
 * and the reconciliation, whose SQL a test holds to these rules.
 */
import { isPaymentOpen, type PaymentKind, type PaymentStatus } from '../payment/payment';
import { isFinal, type SubscriptionStatus } from '../subscription/subscription';

/** A payment, as far as it decides whether there is a plan. */
export interface FailedPayment {
  kind: PaymentKind;
  status: PaymentStatus;
}

/** Why a payment has no plan now; `reason` is shown to people. */
export type WithoutPlan =
  /** An attempt has no outcome yet. */
  | { kind: 'open' }
  /** It is retried no more. */
  | { kind: 'done'; reason: string }
  /** It is planned again when the subscription is resumed. */
  | { kind: 'wait'; until: null; reason: string };

/** Whether payments of this kind are retried at all. First and proration payments were answered to their callers. */
export function isRetried(kind: PaymentKind): boolean {
  return kind === 'renewal' || kind === 'manual';
}

/**
 * Returns why a payment has no plan now, whatever its policy says; null: its policy decides.
 * @param subscription null: the payment belongs to none
 */
export function withoutPlan(
  { kind, status }: FailedPayment,
  subscription: SubscriptionStatus | null,
): WithoutPlan | null {
  if (isPaymentOpen(status)) return { kind: 'open' };
  if (status !== 'failed') return { kind: 'done', reason: status };
  if (subscription !== null && isFinal(subscription)) {
    return { kind: 'done', reason: `the subscription is ${subscription}` };
  }
  // Only an operator tries them again.
  if (!isRetried(kind)) return { kind: 'done', reason: kind };
  if (subscription === 'paused') {
    return { kind: 'wait', until: null, reason: 'the subscription is paused' };
  }
  return null;
}

/** Whether a period that is due in this state is charged: the subscription runs, and is not paused. */
function isCharged(subscription: SubscriptionStatus): boolean {
  return subscription === 'active' || subscription === 'past_due';
}

/** Whether a failed payment has to have a plan, whatever its policy says. */
export function needsPlan(payment: FailedPayment, subscription: SubscriptionStatus | null): boolean {
  const isOfPeriod = payment.kind === 'renewal' && subscription !== null && isCharged(subscription);
  return isOfPeriod && withoutPlan(payment, subscription) === null;
}
