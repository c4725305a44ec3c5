/**
 * The subscription's state machine: which command is possible when, and what it makes of the row.
 *
 * Pure; safe for workflows: no clock, no calendar, no randomness (instants are arguments, RFC 3339 UTC text).
 * Invariants: a final subscription never changes its state again; every change of state has a version.
 */
import type { PaymentStatus } from '../payment/payment';

export const subscriptionStatuses = [
  'scheduled',
  'trialing',
  'incomplete',
  'active',
  'past_due',
  'paused',
  'cancelled',
  'expired',
] as const;
export type SubscriptionStatus = (typeof subscriptionStatuses)[number];

export const subscriptionChanges = [
  'created',
  'plan_changed',
  'quantity_changed',
  'payment_method_changed',
  'metadata_changed',
  'change_scheduled',
  'started',
  'activated',
  'trial_ended',
  'renewed',
  'past_due',
  'recovered',
  'paused',
  'resumed',
  'cancellation_scheduled',
  'cancellation_revoked',
  'cancelled',
  'expired',
] as const;
export type SubscriptionChange = (typeof subscriptionChanges)[number];

/** The part of a subscription that its rules look at. */
export interface SubscriptionState {
  status: SubscriptionStatus;
  version: number;
}

/** Nothing can happen to the subscription any more. */
export const finalStatuses: readonly SubscriptionStatus[] = ['cancelled', 'expired'];

/** Whether nothing can happen to the subscription any more. */
export function isFinal(status: SubscriptionStatus): boolean {
  return finalStatuses.includes(status);
}

/** Whether the creation has not been concluded yet: nothing was announced, the first payment is being tried. */
export function isBeingCreated(subscription: SubscriptionState): boolean {
  return subscription.version === 0;
}

/** How a subscription begins. `charge`: its first period is to be paid now. */
export type Beginning =
  | { status: 'scheduled' }
  | { status: 'trialing'; trialDays: number }
  | { status: 'active' }
  | { status: 'incomplete'; charge: true };

/**
 * How a subscription begins: later, with a trial, free of charge, or with a first payment.
 * @param startsLater the wanted start lies ahead
 * @param amount of the first period, minor units
 */
export function decideBeginning(startsLater: boolean, trialDays: number, amount: number): Beginning {
  if (startsLater) return { status: 'scheduled' };
  if (trialDays > 0) return { status: 'trialing', trialDays };
  if (amount === 0) return { status: 'active' };
  return { status: 'incomplete', charge: true };
}

/** What the first payment's state makes of a subscription whose creation waits for it. */
export function decideFirstPayment(
  payment: PaymentStatus,
):
  | { status: 'active'; change: 'activated' }
  | { status: 'expired'; change: 'expired' }
  | { status: 'incomplete' } {
  switch (payment) {
    case 'completed':
    case 'partially_refunded':
    case 'refunded':
    case 'disputed':
      return { status: 'active', change: 'activated' };
    case 'failed':
    case 'cancelled':
    case 'uncollectible':
      return { status: 'expired', change: 'expired' };
    case 'requested':
    case 'processing':
    case 'requires_action':
    case 'pending':
    case 'unknown':
      return { status: 'incomplete' };
    default:
      return unreachable(payment);
  }
}

function unreachable(value: never): never {
  throw new Error(`no rule for ${String(value)}`);
}
