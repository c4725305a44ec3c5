/**
 * What becomes of an attempt that never arrived at its provider, as lookups have proven. Pure.
 *
 * Invariants: no bank has declined it, so it is no failure: it is sent again, as the same attempt with the same key; it
 * ends only where it is not wanted any more.
 */
import { isFinal, type SubscriptionStatus } from '../subscription/subscription';
import { failure, type AttemptOutcome, type Failure, type PaymentKind } from './payment';

/** The customer of a first payment is there for so long: later they are not charged behind their back. */
const firstSentAgainWithinMs = 60 * 60_000;

export interface AbsentFacts {
  kind: PaymentKind;
  /** Its cancellation was requested, or that of its attempt. */
  cancelRequested: boolean;
  /** Null: the payment belongs to no subscription. */
  subscription: SubscriptionStatus | null;
  /** How long ago the payment was made, by the customer's time. */
  ageMs: number;
  /** Whether its payment method was deleted meanwhile. */
  methodDeleted: boolean;
}

export type AbsentDecision =
  | { kind: 'send_again' }
  /** The subscription is paused: nothing is charged until it is resumed. */
  | { kind: 'wait' }
  | { kind: 'end'; failure: Failure };

/** Decides about an attempt that its provider has no record of. */
export function decideAbsent(facts: AbsentFacts): AbsentDecision {
  const { kind, cancelRequested, subscription, ageMs, methodDeleted } = facts;
  const isOver = cancelRequested || (subscription !== null && isFinal(subscription));
  const isLate = kind === 'first' && ageMs >= firstSentAgainWithinMs;
  if (isOver || isLate) {
    return { kind: 'end', failure: failure('processing_error', 'The provider never received the attempt.') };
  }
  if (methodDeleted) {
    const message = 'The payment method was deleted before the provider received the attempt.';
    return { kind: 'end', failure: failure('invalid_payment_method', message) };
  }
  return subscription === 'paused' ? { kind: 'wait' } : { kind: 'send_again' };
}

/** Reasons of an unknown outcome with which a provider reports that it has not read the request. */
const refusedUnread: ReadonlySet<string> = new Set([
  'rate_limited',
  'http_401',
  'http_403',
  'provider_not_configured',
]);

/** Whether the provider has refused a call unread, so that it cannot be on its way: what was proven before it holds. */
export function wasRefusedUnread(outcome: AttemptOutcome): boolean {
  return outcome.status === 'unknown' && refusedUnread.has(outcome.reason);
}
