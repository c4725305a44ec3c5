/**
 * Changing what a subscription sells: another plan, another quantity, now or at the period's end.
 *
 * Pure; computes dates, so not for workflows. What a change costs is reckoned from the ledger (`priced-change.ts`).
 * Invariants: an unpaid period is never prorated; another interval begins a new period with a new anchor; what a
 * request leaves out stays, also in the change that waits for the period's end.
 */
import { boundary, type Interval } from '../calendar';
import { periodAmount } from '../money';
import { isFinal, type SubscriptionChange } from './subscription';
import { refusedFinal, type Refusal, type Unchanged } from './commands';
import { changeAtPeriodEnd, type PendingChange, type SubscriptionFacts } from './facts';

export const changeEffects = ['now', 'period_end'] as const;
export type ChangeEffect = (typeof changeEffects)[number];
export const prorations = ['charge_now', 'next_renewal', 'none'] as const;
export type Proration = (typeof prorations)[number];

/** What is sold, as the plan's row says. */
export interface PlanTerms {
  id: string;
  name: string;
  currency: string;
  /** Price of one, minor units. */
  amount: number;
  interval: Interval;
  active: boolean;
}

/** What was asked for; null: stays as it is, also in a change that waits. */
export interface ChangeRequest {
  plan: PlanTerms | null;
  quantity: number | null;
  effective: ChangeEffect;
  proration: Proration;
  /** Drops the change that waits: for the period's end, or for its charge. */
  cancelChange: boolean;
}

/** The plans that a change may be about. */
export interface ChangePlans {
  /** Of the subscription as it stands. */
  current: PlanTerms;
  /** Of the change that waits for the period's end; null: none waits. */
  waiting: PlanTerms | null;
}

/** What the subscription sells afterwards. */
export interface NewTerms {
  plan_id: string;
  quantity: number;
  amount: number;
  interval: Interval;
  /** Another interval: the period that begins now. Null: the present period goes on. */
  new_period: { start: string; end: string } | null;
}

export type ChangeDecision =
  | Unchanged
  | Refusal
  /** A change that waited for the period's end is not wanted any more. */
  | { kind: 'drop_pending' }
  /** A change is not wanted any more whose charge is open. `pending` holds again: what it had replaced. */
  | { kind: 'drop_unpaid'; payment_id: string; pending: PendingChange | null }
  | { kind: 'schedule'; pending: PendingChange }
  /** New terms at once; what they cost is the ledger's to say. */
  | NewTermsDecision;

export interface NewTermsDecision {
  kind: 'terms';
  terms: NewTerms;
  /** `keeps`: the money of the period stays as it is. */
  money: 'keeps' | 'charge_now' | 'next_renewal';
  /** What waits for the period's end beside it. */
  pending: PendingChange | null;
  /** What is sold before and after, in the words of a bill's line. */
  before: string;
  after: string;
}

interface Sold {
  plan: PlanTerms;
  quantity: number;
}

/** @param now the database's clock, or the customer's test clock */
export function decideChange(
  subscription: SubscriptionFacts,
  plans: ChangePlans,
  request: ChangeRequest,
  now: string,
): ChangeDecision {
  const { status, quantity, pending_change: pending } = subscription;
  const waits = pending?.effective === 'period_end';
  if (request.plan === null && request.quantity === null) {
    return request.cancelChange ? dropped(pending) : { kind: 'unchanged' };
  }
  if (isFinal(status)) return refusedFinal(status, 'changed');
  const present: Sold = { plan: plans.current, quantity };
  const waiting: Sold | null =
    waits && !request.cancelChange && plans.waiting !== null
      ? { plan: plans.waiting, quantity: pending.quantity }
      : null;
  const atPeriodEnd = request.effective === 'period_end' && subscription.period !== null;
  const target = merged(atPeriodEnd ? (waiting ?? present) : present, request);
  const later = atPeriodEnd ? target : waiting && merged(waiting, request);
  const afterNow = atPeriodEnd ? present : target;
  if (isSame(afterNow, present)) return decideWaiting(subscription, plans, request, { present, later });
  const refusal = refusalOf(subscription, target.plan, request);
  if (refusal !== null) return refusal;
  return decideTerms(subscription, { present, target, later }, request.proration, now);
}

/** What is left out of a request stays. */
function merged(base: Sold, { plan, quantity }: ChangeRequest): Sold {
  return { plan: plan ?? base.plan, quantity: quantity ?? base.quantity };
}

function isSame(a: Sold, b: Sold): boolean {
  return a.plan.id === b.plan.id && a.quantity === b.quantity;
}

/** Nothing changes now: what waits for the period's end does. */
function decideWaiting(
  subscription: SubscriptionFacts,
  { waiting }: ChangePlans,
  request: ChangeRequest,
  { present, later }: { present: Sold; later: Sold | null },
): ChangeDecision {
  const { pending_change: pending, period } = subscription;
  const waits = pending?.effective === 'period_end';
  if (later === null || isSame(later, present)) {
    return waits || request.cancelChange ? dropped(pending) : { kind: 'unchanged' };
  }
  if (waits && waiting !== null && isSame(later, { plan: waiting, quantity: pending.quantity })) {
    return { kind: 'unchanged' };
  }
  const refusal = refusalOf(subscription, later.plan, { ...request, effective: 'period_end' });
  if (refusal !== null) return refusal;
  if (period === null || amountOf(later) === undefined) return tooLarge();
  return { kind: 'schedule', pending: pendingOf(later, period.end) };
}

/** Drops what waits. A charge that is open cannot be taken back: should it still succeed, it goes back. */
function dropped(pending: PendingChange | null): ChangeDecision {
  if (pending?.effective === 'period_end') return { kind: 'drop_pending' };
  const paymentId = pending?.payment_id ?? null;
  if (paymentId === null) return { kind: 'unchanged' };
  return { kind: 'drop_unpaid', payment_id: paymentId, pending: changeAtPeriodEnd(pending) };
}

function pendingOf({ plan, quantity }: Sold, at: string): PendingChange {
  return { plan_id: plan.id, quantity, effective: 'period_end', effective_at: at, payment_id: null };
}

function amountOf({ plan, quantity }: Sold): number | undefined {
  return periodAmount(plan.amount, quantity);
}

function tooLarge(): Refusal {
  return unfit('quantity', 'makes the amount of a period too large');
}

function refusalOf(subscription: SubscriptionFacts, plan: PlanTerms, request: ChangeRequest): Refusal | null {
  const { status, period, pending_change: pending } = subscription;
  const inState = (detail: string): Refusal => ({
    kind: 'refused',
    code: 'subscription_state',
    detail,
    reason: status,
  });
  if (status === 'incomplete' || status === 'past_due') {
    return inState(`The subscription is ${status}: only its payment method and metadata can be changed.`);
  }
  if (pending?.effective === 'when_paid') {
    return inState('Another change waits for its payment: cancel_change, asked for alone, drops that one.');
  }
  if (status !== 'trialing' && period !== null && !period.paid) {
    return inState('The present period is not paid yet: only payment method and metadata can be changed.');
  }
  if (plan.id !== subscription.plan_id && !plan.active) return unfit('plan_id', 'must be an active plan');
  if (plan.currency !== subscription.currency) {
    return unfit('plan_id', `must be a plan in ${subscription.currency}, the currency of the subscription`);
  }
  const chargesNow = request.effective === 'now' && request.proration === 'charge_now';
  if (status === 'paused' && chargesNow)
    return inState('The subscription is paused: nothing can be charged now.');
  const begun = status !== 'scheduled' && status !== 'trialing';
  if (begun && !sameInterval(plan.interval, subscription.interval) && !chargesNow) {
    return unfit('proration', 'must be charge_now, effective now: the plan has another interval');
  }
  return null;
}

function decideTerms(
  subscription: SubscriptionFacts,
  { present, target, later }: { present: Sold; target: Sold; later: Sold | null },
  proration: Proration,
  now: string,
): ChangeDecision {
  const { period, status, time_zone: zone } = subscription;
  const { plan, quantity } = target;
  const amount = amountOf(target);
  if (amount === undefined || (later !== null && amountOf(later) === undefined)) return tooLarge();
  // Nothing was paid for yet, so there is nothing to give back or to ask for.
  const unpaid = period === null || status === 'trialing' || status === 'scheduled';
  const begins = !unpaid && !sameInterval(plan.interval, subscription.interval);
  const newPeriod = begins ? { start: now, end: boundary(now, zone, plan.interval, 1) } : null;
  const end = newPeriod?.end ?? period?.end ?? null;
  const goesOn = later !== null && end !== null && !isSame(later, target);
  return {
    kind: 'terms',
    terms: { plan_id: plan.id, quantity, amount, interval: plan.interval, new_period: newPeriod },
    money: unpaid || proration === 'none' ? 'keeps' : proration,
    pending: goesOn ? pendingOf(later, end) : null,
    before: named(present.plan, present.quantity),
    after: named(plan, quantity),
  };
}

function unfit(field: string, detail: string): Refusal {
  return { kind: 'refused', code: 'validation_failed', detail, reason: field };
}

/** The change that waits once another one was decided. */
export function pendingAfter(
  { pending_change: pending }: Pick<SubscriptionFacts, 'pending_change'>,
  decision: Exclude<ChangeDecision, Refusal>,
): PendingChange | null {
  switch (decision.kind) {
    case 'terms':
    case 'schedule':
    case 'drop_unpaid':
      return decision.pending;
    case 'drop_pending':
      return null;
    case 'unchanged':
      return pending;
  }
}

/** What a payment for a change needs to apply it: the subscription as it was when the payment was requested. */
export interface ChangeBase {
  base_version: number;
  period_index: number | null;
  /** Of the ledger's state; left out: older than the ledger, it cannot be applied any more. */
  revision?: number;
}

/** Whether a change that has been paid still applies; otherwise its money goes back. */
export function paidChangeApplies(
  { status, version, period }: Pick<SubscriptionFacts, 'status' | 'version' | 'period'>,
  { base_version: baseVersion, period_index: periodIndex, revision }: ChangeBase,
  ledgerRevision: number,
): boolean {
  const isSame = version === baseVersion && (period?.index ?? null) === periodIndex;
  return !isFinal(status) && isSame && revision === ledgerRevision;
}

/** Which of the terms differ from the present ones. */
export function termChanges(
  { plan_id: planId, quantity }: Pick<SubscriptionFacts, 'plan_id' | 'quantity'>,
  terms: Pick<NewTerms, 'plan_id' | 'quantity'>,
): SubscriptionChange[] {
  return [
    ...(terms.plan_id === planId ? [] : (['plan_changed'] as const)),
    ...(terms.quantity === quantity ? [] : (['quantity_changed'] as const)),
  ];
}

/** What a line says is sold. */
export function named(plan: Pick<PlanTerms, 'name'>, quantity: number): string {
  return `${plan.name} × ${quantity}`;
}

function sameInterval(a: Interval, b: Interval): boolean {
  return a.unit === b.unit && a.count === b.count;
}
