/**
 * What callers may request of a subscription, by its state: cancel, pause, resume; and what dunning makes of it.
 *
 * Pure. Invariants: what is final never changes; a refusal names the state; asking again for what holds already
 * changes nothing.
 */
import { moneyText, smallestPrice, type ChargeLimits } from '../money';
import { isPaymentPaid, type PaymentStatus } from '../payment/payment';
import type { FinalAction } from '../retry/policy';
import { isFinal, type SubscriptionStatus } from './subscription';
import { decideResumption } from './due';
import type { SubscriptionFacts } from './facts';

/** A refusal in the words of the error table; `detail` is for the caller. */
export interface Refusal {
  kind: 'refused';
  code: 'subscription_final' | 'subscription_state' | 'validation_failed' | 'version_mismatch';
  detail: string;
  /** The state that stands in the way, or the field at fault. */
  reason: string;
}

/** A price that is asked for, and what its provider charges. */
export interface AskedPrice {
  /** Of a period, minor units. */
  price: number;
  currency: string;
  limits: ChargeLimits;
  /** What of the request leads to it. */
  field: 'plan_id' | 'quantity' | 'payment_method_id';
}

/** Refuses a price that needs too many periods to reach the smallest charge. @returns null: it can be charged, or is 0 */
export function refuseUnchargeable({ price, currency, limits, field }: AskedPrice): Refusal | null {
  const least = smallestPrice(limits);
  if (price === 0 || price >= least) return null;
  const text = (amount: number) => moneyText(amount, currency);
  const detail = `makes a period cost ${text(price)}: it has to be nothing or at least ${text(least)}, because the provider charges no less than ${text(limits.smallest)}`;
  return { kind: 'refused', code: 'validation_failed', detail, reason: field };
}

export interface Unchanged {
  kind: 'unchanged';
}

export const cancelModes = ['now', 'period_end'] as const;
export type CancelMode = (typeof cancelModes)[number];
export const refundModes = ['none', 'prorated', 'full'] as const;
export type RefundMode = (typeof refundModes)[number];

export type CancelDecision =
  { kind: 'cancel' } | { kind: 'schedule'; cancelAt: string } | Unchanged | Refusal;

/**
 * A cancellation. `period_end` waits for the end of the period in progress; where there is none that was or will be
 * paid for (not begun, first payment open, past due, a trial without a payment method) it takes effect at once.
 * @param subscription with the payment method that would be charged: its own, else its customer's default
 * @param now the database's clock, or the customer's test clock
 */
export function decideCancel(
  subscription: SubscriptionFacts & { cancel_refund: RefundMode | null },
  { mode, refund }: { mode: CancelMode; refund: RefundMode },
  now: string,
): CancelDecision {
  const { status, period, cancel_at: cancelAt, cancel_refund: agreed } = subscription;
  if (status === 'cancelled') {
    const isOther = agreed !== null && agreed !== refund;
    return isOther ? otherRefund(status, agreed) : { kind: 'unchanged' };
  }
  if (status === 'expired') return refusedFinal(status, 'cancelled');
  if (mode === 'now' || period === null || !hasPeriodToFinish(subscription)) return { kind: 'cancel' };
  if (Date.parse(period.end) <= Date.parse(now)) return { kind: 'cancel' };
  if (cancelAt !== period.end) return { kind: 'schedule', cancelAt: period.end };
  return (agreed ?? 'none') === refund ? { kind: 'unchanged' } : otherRefund(status, agreed ?? 'none');
}

/** A cancellation is asked for once: another refund would be agreed to whoever reads the second answer. */
function otherRefund(status: SubscriptionStatus, agreed: RefundMode): Refusal {
  const detail = `The cancellation was asked for with refund ${agreed}; take it back, or refund its payments.`;
  return refused(status, detail);
}

function hasPeriodToFinish({ status, payment_method_id: method }: SubscriptionFacts): boolean {
  if (status === 'trialing') return method !== null;
  return status === 'active' || status === 'paused';
}

/** Takes a scheduled cancellation back. None scheduled: unchanged. */
export function decideRevocation({
  status,
  cancel_at,
}: SubscriptionFacts): { kind: 'revoke' } | Unchanged | Refusal {
  if (isFinal(status)) return refusedFinal(status, 'changed');
  return cancel_at === null ? { kind: 'unchanged' } : { kind: 'revoke' };
}

export type EndingDecision =
  Unchanged | Refusal | { kind: 'revoke' } | { kind: 'schedule'; cancelAt: string } | { kind: 'cancel' };

/**
 * What a change makes of the scheduled end.
 * @param subscription with the payment method that would be charged
 * @param atPeriodEnd whether it is wanted; null: it stays as it is
 */
export function decideEnding(
  subscription: SubscriptionFacts,
  atPeriodEnd: boolean | null,
  now: string,
): EndingDecision {
  if (atPeriodEnd === null) return { kind: 'unchanged' };
  if (!atPeriodEnd) return decideRevocation(subscription);
  const asked = { mode: 'period_end', refund: 'none' } as const;
  return decideCancel({ ...subscription, cancel_refund: null }, asked, now);
}

/** When the subscription ends by itself once a change has left its end so; null: it goes on. */
export function endAfter(
  { cancel_at: cancelAt, period }: Pick<SubscriptionFacts, 'cancel_at' | 'period'>,
  atPeriodEnd: boolean | null,
): string | null {
  if (atPeriodEnd === null) return cancelAt;
  return atPeriodEnd ? (period?.end ?? null) : null;
}

export type PauseDecision = { kind: 'pause'; from: 'active' | 'past_due' } | Refusal;

const longestPauseYears = 3;
/** The bound of `resume_at`, by the customer's time; the API's schema states it in these words. */
export const resumeBound = `must lie ahead, by at most ${longestPauseYears} years`;

/**
 * A pause, from `active` or `past_due` only, with nothing waiting for its payment.
 * @param resumeAt null: until a caller resumes it
 */
export function decidePause(
  { status, pending_change }: SubscriptionFacts,
  resumeAt: string | null,
  now: string,
): PauseDecision {
  if (isFinal(status)) return refusedFinal(status, 'paused');
  if (status !== 'active' && status !== 'past_due') return refusedState(status, 'paused');
  if (pending_change?.effective === 'when_paid') {
    return refused(status, 'A change waits for its payment; the subscription can be paused afterwards.');
  }
  if (resumeAt !== null && !isWithinPause(resumeAt, now)) {
    return { kind: 'refused', code: 'validation_failed', detail: resumeBound, reason: 'resume_at' };
  }
  return { kind: 'pause', from: status };
}

/** Years of the calendar: the same day and time, whatever leap days lie between. */
function isWithinPause(resumeAt: string, now: string): boolean {
  const latest = new Date(now);
  latest.setUTCFullYear(latest.getUTCFullYear() + longestPauseYears);
  const at = Date.parse(resumeAt);
  return at > Date.parse(now) && at <= latest.getTime();
}

export type ResumeDecision = ReturnType<typeof decideResumption> | Refusal;

/** A resumption now. */
export function decideResume(subscription: SubscriptionFacts, now: string): ResumeDecision {
  const { status } = subscription;
  if (isFinal(status)) return refusedFinal(status, 'resumed');
  if (status !== 'paused') return refusedState(status, 'resumed');
  return decideResumption(subscription, now);
}

/** What a completed payment of a period makes of the subscription. */
export type PaidDecision =
  | { kind: 'nothing' }
  /** `recovered`: it was past due. */
  | { kind: 'paid'; status: SubscriptionStatus; recovered: boolean; pausedFrom: 'active' | null };

/** @param periodIndex of the payment; another period than the open one was paid already */
export function decidePaid(subscription: SubscriptionFacts, periodIndex: number | null): PaidDecision {
  const { status, period, paused_from: pausedFrom } = subscription;
  if (isFinal(status) || status === 'incomplete') return { kind: 'nothing' };
  if (period === null || period.paid || period.index !== periodIndex) return { kind: 'nothing' };
  const recovered = status === 'past_due' || (status === 'paused' && pausedFrom === 'past_due');
  return {
    kind: 'paid',
    status: status === 'past_due' ? 'active' : status,
    recovered,
    pausedFrom: status === 'paused' ? 'active' : null,
  };
}

export type DunningDecision =
  | { kind: 'nothing' }
  | { kind: 'past_due'; status: 'past_due' | 'paused' }
  | { kind: 'expire' }
  | { kind: 'cancel' }
  | { kind: 'pause' };

/** Collection of a period began: ignored when that period is paid or another one is open. */
export function decideDunningStarted(subscription: SubscriptionFacts, periodIndex: number): DunningDecision {
  const { status, paused_from: from } = subscription;
  if (!isUnpaid(subscription, periodIndex)) return { kind: 'nothing' };
  if (status === 'active') return { kind: 'past_due', status: 'past_due' };
  // Resuming will find it past due.
  if (status === 'paused' && from !== 'past_due') return { kind: 'past_due', status: 'paused' };
  return { kind: 'nothing' };
}

/** Collection of a period was given up. */
export function decideDunningExhausted(
  subscription: SubscriptionFacts,
  periodIndex: number,
  action: FinalAction,
): DunningDecision {
  if (!isUnpaid(subscription, periodIndex)) return { kind: 'nothing' };
  const { status } = subscription;
  if (status !== 'active' && status !== 'past_due') return { kind: 'nothing' };
  return action === 'leave_past_due' ? decideDunningStarted(subscription, periodIndex) : { kind: action };
}

/** What a dunning message does, given its payment. */
export interface DunningEffect {
  decision: DunningDecision;
  /** The payment is written off: the subscription ends or pauses without its money. */
  writeOff: boolean;
}

/**
 * Money that has come meanwhile makes a dunning message void: the message about the payment pays the period.
 * @param payment null: there is no such payment
 */
export function dunningEffect(decision: DunningDecision, payment: PaymentStatus | null): DunningEffect {
  if (payment !== null && isPaymentPaid(payment)) return { decision: { kind: 'nothing' }, writeOff: false };
  const ends = decision.kind !== 'nothing' && decision.kind !== 'past_due';
  return { decision, writeOff: ends && payment === 'failed' };
}

function isUnpaid({ status, period }: SubscriptionFacts, periodIndex: number): boolean {
  return !isFinal(status) && period !== null && !period.paid && period.index === periodIndex;
}

/** Everything that ends with a subscription, in the words of a refusal. */
export function refusedFinal(status: SubscriptionStatus, verb: string): Refusal {
  const detail = `The subscription is ${status}; it cannot be ${verb} any more.`;
  return { kind: 'refused', code: 'subscription_final', detail, reason: status };
}

/** The state does not allow it now. */
export function refusedState(status: SubscriptionStatus, verb: string): Refusal {
  return refused(status, `The subscription is ${status}; it cannot be ${verb} in this state.`);
}

function refused(status: SubscriptionStatus, detail: string): Refusal {
  return { kind: 'refused', code: 'subscription_state', detail, reason: status };
}
