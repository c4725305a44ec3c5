/**
 * What an outcome of an attempt does to money: to the attempt, to its payment, and what follows from it. Pure.
 *
 * Whoever learns of an outcome, and however late, decides by the rows as they stand. Invariants:
 *   1. An attempt is settled once, except that a failed one may turn out to have succeeded.
 *   2. A payment is paid by one attempt; every other success is given back in full.
 *   3. Money for a final subscription or a cancelled payment is given back in full.
 *   4. An outcome with another amount never settles anything; a person says how much was charged, and what was not
 *      asked for is given back.
 *   5. A provider's reference that is known is never forgotten.
 *   6. An outcome that is recorded again changes nothing.
 *   7. What fails for a final subscription is cancelled: nothing retries it.
 */
import { isFinal, type SubscriptionStatus } from '../subscription/subscription';
import type { OperatorTaskKind } from './operator-task';
import {
  endsWithSubscription,
  isPaymentPaid,
  isSettled,
  type AttemptOutcome,
  type AttemptStatus,
  type Failure,
  type NamedCharge,
  type NextAction,
  type PaymentKind,
  type PaymentStatus,
  type SettledBy,
} from './payment';

/** The rows that a settlement is decided by. */
export interface SettlementFacts {
  attempt: {
    number: number;
    status: AttemptStatus;
    provider_reference: string | null;
    settled_by: SettledBy | null;
    /** Null: no provider was called, for there was nothing to charge. */
    provider: string | null;
  };
  payment: {
    kind: PaymentKind;
    status: PaymentStatus;
    announced: boolean;
    cancelRequested: boolean;
  };
  /** Null: the payment belongs to no subscription. */
  subscription: SubscriptionStatus | null;
}

/**
 * `settled`, `noted`: the outcome is written; `late_success`: a failed attempt turned out to have succeeded;
 * `second_success`: the payment was paid already, and this charge is given back; `ignored`: another outcome stands.
 */
export type SettlementEffect = 'settled' | 'noted' | 'late_success' | 'second_success' | 'ignored';

/** Why money that was taken is given back in full. */
export type UnwantedReason = 'second_success' | 'subscription_final' | 'payment_cancelled';

/** What an operator is asked. */
export interface SettlementTask {
  kind: OperatorTaskKind;
  detail: string;
  /** Whether it is asked again although an operator resolved it before. */
  reopen: boolean;
}

export interface SettlementDecision {
  effect: SettlementEffect;
  /** The attempt's columns; null: the attempt stays as it is. */
  attempt: {
    status: AttemptStatus;
    provider_reference: string | null;
    failure: Failure | null;
    /** Null while the attempt is open. With it goes the instant. */
    settled_by: SettledBy | null;
    /** Whether a call of the provider has just ended. */
    callEnded: boolean;
  } | null;
  /** The payment's columns; null: the payment stays as it is. */
  payment: {
    status: PaymentStatus;
    next_action: NextAction | null;
    /** Whether nothing more is planned for it: no attempt and no notice. */
    endsPlan: boolean;
  } | null;
  /** Why the charge is given back in full; null: it is not. */
  refund: UnwantedReason | null;
  /** The provider's name of the charge, learned after a person had said that it succeeded; null: nothing to learn. */
  reference: string | null;
  /** Another charge that the provider made for the same attempt: it is given back. Null: there is none. */
  otherCharge: string | null;
  /** What the attempt's own charge took beside what was asked for: it is given back. Left out: nothing. */
  beside?: { reference: string; amount: number };
  /** What the provider names as charged in place of what was asked for, for a person to decide. Left out: nothing. */
  named?: NamedCharge;
  /** The event of the attempt's outcome; null: none is published. */
  event: 'payments.completed' | 'payments.failed' | null;
  task: SettlementTask | null;
  /** Whether a customer who was notified of the failure is notified that the money came. */
  notifiesRecovery: boolean;
}

/** Decides what an outcome does. @param settledBy how it was learned */
export function decideSettlement(
  facts: SettlementFacts,
  outcome: AttemptOutcome,
  settledBy: SettledBy,
): SettlementDecision {
  const { attempt, payment } = facts;
  const wasSettled = isSettled(attempt.status);
  const isLateSuccess = attempt.status === 'failed' && outcome.status === 'completed';
  if (wasSettled && !isLateSuccess) return ignored(facts, outcome);
  const settles = isSettled(outcome.status);
  const paidBefore = isPaymentPaid(payment.status);
  const refund = outcome.status === 'completed' ? unwantedReason(facts) : null;
  const isKept = outcome.status === 'completed' && refund === null;
  const status = statusOfPayment(facts, outcome);
  return {
    effect: effectOf(wasSettled, paidBefore, outcome),
    attempt: {
      status: outcome.status,
      provider_reference: referenceOf(outcome) ?? attempt.provider_reference,
      failure: outcome.status === 'failed' ? outcome.failure : null,
      settled_by: settles ? settledBy : attempt.settled_by,
      callEnded: settledBy === 'answer' && attempt.provider !== null,
    },
    payment: paidBefore
      ? null
      : {
          status,
          next_action: outcome.status === 'requires_action' ? outcome.next_action : null,
          endsPlan: status === 'completed' || status === 'cancelled',
        },
    refund,
    reference: null,
    otherCharge: null,
    ...besideOf(attempt, outcome),
    ...namedBy(outcome),
    // The outcome of a paid payment is published with the attempt that paid it.
    event: !paidBefore && isPublished(payment) ? eventOf(outcome) : null,
    task: isAmountMismatch(outcome) ? mismatchTask(true) : unwantedTask(facts, refund),
    // The success of a first attempt is no recovery, unless the attempt was known as failed.
    notifiesRecovery: isKept && (attempt.number > 1 || wasSettled),
  };
}

/** Whether the provider named another amount or currency than was asked for. */
function isAmountMismatch(outcome: AttemptOutcome): boolean {
  return outcome.status === 'unknown' && outcome.reason === 'amount_mismatch';
}

function namedBy(outcome: AttemptOutcome): Pick<SettlementDecision, 'named'> {
  return outcome.status === 'unknown' && outcome.named !== undefined ? { named: outcome.named } : {};
}

/** It goes back to the charge that it was taken with, which has to be known. */
function besideOf(
  { provider_reference: known }: SettlementFacts['attempt'],
  outcome: AttemptOutcome,
): Pick<SettlementDecision, 'beside'> {
  const amount = 'beside' in outcome ? (outcome.beside ?? 0) : 0;
  const reference = referenceOf(outcome) ?? known;
  return amount > 0 && reference !== null ? { beside: { reference, amount } } : {};
}

/** Whether the provider said anything about the attempt. No answer says nothing: the attempt stays as it is. */
export function isClear(outcome: AttemptOutcome): boolean {
  return outcome.status !== 'unknown' || isAmountMismatch(outcome);
}

/**
 * Why a success is not kept; null: it is.
 * A second charge comes first: it is given back whatever else holds, for the payment has its money.
 */
function unwantedReason({ payment, subscription }: SettlementFacts): UnwantedReason | null {
  if (isPaymentPaid(payment.status)) return 'second_success';
  if (subscription !== null && isFinal(subscription)) return 'subscription_final';
  return payment.cancelRequested || payment.status === 'cancelled' ? 'payment_cancelled' : null;
}

function effectOf(wasSettled: boolean, paidBefore: boolean, outcome: AttemptOutcome): SettlementEffect {
  if (outcome.status === 'completed' && paidBefore) return 'second_success';
  if (wasSettled) return 'late_success';
  return isSettled(outcome.status) ? 'settled' : 'noted';
}

function referenceOf(outcome: AttemptOutcome): string | null {
  if (outcome.status === 'unknown') return outcome.named?.provider_reference ?? null;
  return outcome.provider_reference;
}

function statusOfPayment({ payment, subscription }: SettlementFacts, outcome: AttemptOutcome): PaymentStatus {
  if (outcome.status !== 'failed') return outcome.status;
  const ended = subscription !== null && isFinal(subscription) && endsWithSubscription(payment.kind);
  // The cancellation was requested, or the subscription ended, while the attempt was open: the failure concludes it.
  return payment.cancelRequested || ended ? 'cancelled' : 'failed';
}

/**
 * Whether outcomes of the payment are published. First and proration payments are answered synchronously; their outcome
 * is an event only once they were announced as open.
 */
function isPublished({ announced, kind }: SettlementFacts['payment']): boolean {
  return announced || (kind !== 'first' && kind !== 'proration');
}

function eventOf({ status }: AttemptOutcome): SettlementDecision['event'] {
  if (status === 'completed') return 'payments.completed';
  return status === 'failed' ? 'payments.failed' : null;
}

function ignored({ attempt }: SettlementFacts, outcome: AttemptOutcome): SettlementDecision {
  const named =
    attempt.status === 'completed' && outcome.status === 'completed' ? referenceOf(outcome) : null;
  const isUnnamed = attempt.provider_reference === null;
  return {
    effect: 'ignored',
    attempt: null,
    payment: null,
    refund: null,
    reference: isUnnamed ? named : null,
    otherCharge: isUnnamed || named === attempt.provider_reference ? null : named,
    ...(attempt.status === outcome.status && besideOf(attempt, outcome)),
    ...namedBy(outcome),
    event: null,
    // An operator who resolved a mismatch has decided about the settled attempt.
    task: isAmountMismatch(outcome) ? mismatchTask(false) : otherChargeTask(attempt, outcome),
    notifiesRecovery: false,
  };
}

function mismatchTask(reopen: boolean): SettlementTask {
  const detail = 'The provider names another amount or currency than was asked.';
  return { kind: 'amount_mismatch', detail, reopen };
}

/** One attempt has one charge; a success with another reference means that the provider charged twice under one key. */
function otherChargeTask(
  attempt: SettlementFacts['attempt'],
  outcome: AttemptOutcome,
): SettlementTask | null {
  if (outcome.status !== 'completed' || attempt.status !== 'completed') return null;
  const { provider_reference: named } = outcome;
  const known = attempt.provider_reference;
  if (named === null || known === null || named === known) return null;
  const detail = `The provider names two charges for attempt ${attempt.number}: ${named} is refunded.`;
  return { kind: 'second_success', detail, reopen: false };
}

/** A cancelled payment is expected to be refunded; the other reasons are not, and an operator looks at them. */
function unwantedTask(
  { attempt, subscription }: SettlementFacts,
  reason: UnwantedReason | null,
): SettlementTask | null {
  if (reason === null || reason === 'payment_cancelled') return null;
  const why =
    reason === 'second_success' ? 'Paid a second time' : `Paid although its subscription is ${subscription}`;
  return {
    kind: 'second_success',
    detail: `${why}: attempt ${attempt.number} is refunded in full.`,
    reopen: true,
  };
}
