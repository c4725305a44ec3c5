/**
 * Changing what a subscription sells: another plan, another quantity, now or at the period's end, and what that costs.
 *
 * Pure; computes dates, so not for workflows. The preview and the change itself ask the same function, so that what
 * was shown is what happens. Invariants: an unpaid period is never prorated; another interval begins a new period
 * with a new anchor; nothing negative is ever charged, a credit waits for the next renewal.
 */
import { boundary, type Interval } from '../calendar';
import { periodAmount } from '../money';
import { applyBalance, linesTotal, prorationLines, unusedAmount, type Line } from './proration';
import { isFinal, type SubscriptionChange } from './subscription';
import { refusedFinal, type Refusal, type Unchanged } from './commands';
import { nextDue } from './due';
import type { PendingChange, SubscriptionFacts } from './facts';

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

/** What was asked for; null: stays as it is. */
export interface ChangeRequest {
  plan: PlanTerms | null;
  quantity: number | null;
  effective: ChangeEffect;
  proration: Proration;
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
  | { kind: 'schedule'; pending: PendingChange }
  /** `lines` wait for the next renewal. */
  | { kind: 'apply'; terms: NewTerms; lines: Line[] }
  /** `amount` has to be paid first. */
  | { kind: 'charge'; terms: NewTerms; lines: Line[]; amount: number };

/**
 * @param current the plan of the subscription as it stands
 * @param now the database's clock, or the customer's test clock
 */
export function decideChange(
  subscription: SubscriptionFacts,
  current: PlanTerms,
  request: ChangeRequest,
  now: string,
): ChangeDecision {
  if (request.plan === null && request.quantity === null) return { kind: 'unchanged' };
  const { status, pending_change: pending } = subscription;
  if (isFinal(status)) return refusedFinal(status, 'changed');
  const plan = request.plan ?? current;
  const quantity = request.quantity ?? subscription.quantity;
  const same = plan.id === subscription.plan_id && quantity === subscription.quantity;
  if (same) return pending?.effective === 'period_end' ? { kind: 'drop_pending' } : { kind: 'unchanged' };
  const refusal = refusalOf(subscription, plan, request);
  if (refusal !== null) return refusal;
  const amount = periodAmount(plan.amount, quantity);
  if (amount === undefined) return unfit('quantity', 'makes the amount of a period too large');
  if (request.effective === 'period_end' && subscription.period !== null) {
    const { end } = subscription.period;
    return {
      kind: 'schedule',
      pending: { plan_id: plan.id, quantity, effective: 'period_end', effective_at: end, payment_id: null },
    };
  }
  return applied(subscription, current, { plan, quantity, amount }, request.proration, now);
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
  if (pending?.effective === 'when_paid') return inState('Another change waits for its payment.');
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

interface Wanted {
  plan: PlanTerms;
  quantity: number;
  amount: number;
}

function applied(
  subscription: SubscriptionFacts,
  current: PlanTerms,
  { plan, quantity, amount }: Wanted,
  proration: Proration,
  now: string,
): ChangeDecision {
  const { period, status } = subscription;
  const terms: NewTerms = { plan_id: plan.id, quantity, amount, interval: plan.interval, new_period: null };
  // Nothing was paid for yet, so there is nothing to give back or to ask for.
  if (period === null || status === 'trialing' || status === 'scheduled' || proration === 'none') {
    return { kind: 'apply', terms, lines: [] };
  }
  const before = { description: named(current, subscription.quantity), amount: subscription.amount };
  const after = { description: named(plan, quantity), amount };
  if (sameInterval(plan.interval, subscription.interval)) {
    const lines = prorationLines({ before, after, period, at: now });
    return chargedOrApplied(terms, lines, proration);
  }
  const newPeriod = { start: now, end: boundary(now, subscription.time_zone, plan.interval, 1) };
  const credit = unusedAmount(before.amount, period, now);
  const lines: Line[] = [
    {
      description: `Unused: ${before.description}`,
      amount: -credit,
      period: { start: now, end: period.end },
    },
    { description: after.description, amount, period: newPeriod },
  ];
  return chargedOrApplied(
    { ...terms, new_period: newPeriod },
    lines.filter((line) => line.amount !== 0),
    proration,
  );
}

function chargedOrApplied(terms: NewTerms, lines: Line[], proration: Proration): ChangeDecision {
  const amount = linesTotal(lines);
  if (proration === 'charge_now' && amount > 0) return { kind: 'charge', terms, lines, amount };
  return { kind: 'apply', terms, lines };
}

function unfit(field: string, detail: string): Refusal {
  return { kind: 'refused', code: 'validation_failed', detail, reason: field };
}

export interface ChangePreview {
  lines: Line[];
  /** Minor units. */
  due_now: number;
  /** What the next renewal will be for, as things stand; null: nothing is due by itself. */
  next_renewal: { at: string; amount: number } | null;
}

/** What a change would cost, now and at the next renewal. @param nextPrice of a period after the change, minor units */
export function previewChange(
  subscription: SubscriptionFacts,
  decision: Exclude<ChangeDecision, Refusal>,
  nextPrice: number,
): ChangePreview {
  const lines = 'lines' in decision ? decision.lines : [];
  const dueNow = decision.kind === 'charge' ? decision.amount : 0;
  const waits = decision.kind === 'apply' ? linesTotal(lines) : 0;
  const newPeriod = 'terms' in decision ? decision.terms.new_period : null;
  const at = newPeriod?.end ?? nextDue(subscription)?.at ?? null;
  const { charge } = applyBalance(nextPrice, subscription.balance + waits);
  return { lines, due_now: dueNow, next_renewal: at === null ? null : { at, amount: charge } };
}

/** What a payment for a change needs to apply it: the subscription as it was when the payment was requested. */
export interface ChangeBase {
  base_version: number;
  period_index: number | null;
}

/** Whether a change that has been paid still applies; otherwise its money goes back. */
export function paidChangeApplies(
  { status, version, period }: Pick<SubscriptionFacts, 'status' | 'version' | 'period'>,
  { base_version: baseVersion, period_index: periodIndex }: ChangeBase,
): boolean {
  return !isFinal(status) && version === baseVersion && (period?.index ?? null) === periodIndex;
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
