/**
 * Why a failed payment may not be tried again now. Pure; asked by the API at once, and by the Retry Service when the
 * attempt is about to begin.
 *
 * Invariant: the payment's own state is named before the subscription's, and that before budgets and methods.
 */
import { declineCategory, type DeclineCode, type PaymentStatus } from '../payment/payment';
import { isFinal, type SubscriptionStatus } from '../subscription/subscription';

export const retryRefusals = [
  'completed',
  'in_flight',
  'unknown_outcome',
  'pending',
  'requires_action',
  'cancelled',
  'uncollectible',
  'hard_declined',
  'budget_exhausted',
  'subscription_paused',
  'subscription_final',
  'no_payment_method',
] as const;
export type RetryRefusal = (typeof retryRefusals)[number];

export interface RetrySituation {
  payment: PaymentStatus;
  /** null: a payment of its own. */
  subscription: SubscriptionStatus | null;
  /** The hard decline that the card to be charged met, whatever was tried since; else its latest one; null: none. */
  lastDecline: DeclineCode | null;
  /** What would be charged; null: there is none. */
  payment_method_id: string | null;
  /** Whether the card network's budget allows an attempt now. */
  withinBudget: boolean;
}

/** Null: it may be tried. */
export function retryRefusal(situation: RetrySituation): RetryRefusal | null {
  const own = refusalOfPayment(situation.payment);
  if (own !== null) return own;
  const { subscription, lastDecline, payment_method_id: method } = situation;
  if (subscription !== null && isFinal(subscription)) return 'subscription_final';
  if (subscription === 'paused') return 'subscription_paused';
  if (method === null) return 'no_payment_method';
  if (lastDecline !== null && declineCategory(lastDecline) === 'hard') return 'hard_declined';
  return situation.withinBudget ? null : 'budget_exhausted';
}

function refusalOfPayment(status: PaymentStatus): RetryRefusal | null {
  switch (status) {
    case 'failed':
      return null;
    case 'requested':
    case 'processing':
      return 'in_flight';
    case 'unknown':
      return 'unknown_outcome';
    case 'pending':
    case 'requires_action':
    case 'cancelled':
    case 'uncollectible':
      return status;
    case 'completed':
    case 'partially_refunded':
    case 'refunded':
    case 'disputed':
      return 'completed';
  }
}
