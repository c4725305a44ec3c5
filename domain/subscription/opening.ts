/**
 * Opening a period: its dates, its price with everything that waits for it, and what it makes of the subscription.
 *
 * Pure; computes dates, so not for workflows. Instants are RFC 3339 UTC text, amounts minor units. Invariants:
 * - A period begins where the one before it ended, except after a pause or with a new anchor.
 * - A change that waited for the period takes effect with it.
 * - Nothing negative is charged: a credit that is not used up is carried to the next period.
 */
import { boundary, periodAt, trialEnd, type Interval } from '../calendar';
import { periodAmount } from '../money';
import { named, termChanges, type NewTerms, type PlanTerms } from './change';
import type { DueDecision } from './due';
import type { SubscriptionFacts } from './facts';
import { applyBalance, type Line } from './proration';
import type { Beginning, SubscriptionChange } from './subscription';

/** A period of a subscription, from `start`, included, to `end`, excluded. Period 0 is the trial. */
export interface Period {
  index: number;
  start: string;
  end: string;
}

/** The first period of a subscription; null: it begins later. @param startAt when the subscription begins */
export function firstPeriod(
  beginning: Beginning,
  startAt: string,
  timeZone: string,
  interval: Interval,
): Period | null {
  switch (beginning.status) {
    case 'scheduled':
      return null;
    case 'trialing':
      return trialPeriod(startAt, timeZone, beginning.trialDays);
    case 'active':
    case 'incomplete':
      return { index: 1, start: startAt, end: boundary(startAt, timeZone, interval, 1) };
  }
}

/** The trial that begins at an instant. */
export function trialPeriod(startAt: string, timeZone: string, days: number): Period {
  return { index: 0, start: startAt, end: trialEnd(startAt, timeZone, days) };
}

export type Opening = Extract<DueDecision, { kind: 'open_period' }>;

export interface OpenedPeriod {
  period: Period;
  /** Of the period alone. */
  amount: number;
  /** What its payment charges, with everything that waited; 0: the period is paid at once. */
  charge: number;
  /** Of the payment. */
  lines: Line[];
  /** The credit that waits for the next period. */
  carried: Line[];
  /** The terms that take effect with the period; null: they stay. */
  terms: Omit<NewTerms, 'new_period'> | null;
  changes: SubscriptionChange[];
}

/** The plan that the next period sells: the present one, or that of a change which waits for it. */
export function nextPlanId(subscription: Pick<SubscriptionFacts, 'plan_id' | 'pending_change'>): string {
  return changeAtPeriodEnd(subscription)?.plan_id ?? subscription.plan_id;
}

function changeAtPeriodEnd({ pending_change: pending }: Pick<SubscriptionFacts, 'pending_change'>) {
  return pending?.effective === 'period_end' ? pending : null;
}

/**
 * Decides what an opened period writes.
 * @param plan the plan {@link nextPlanId}
 * @param waiting the lines that wait for this period; the subscription's balance is their sum
 * @throws Error when the pending change makes the amount too large
 */
export function decideOpening(
  subscription: SubscriptionFacts,
  plan: PlanTerms,
  waiting: readonly Line[],
  opening: Opening,
): OpenedPeriod {
  const terms = newTerms(subscription, plan);
  const quantity = terms?.quantity ?? subscription.quantity;
  const amount = terms?.amount ?? subscription.amount;
  const { index, start, end } = datesOf(subscription, opening);
  const { charge, balance } = applyBalance(amount, subscription.balance);
  const dates = { start, end };
  const ofTerms = terms === null ? [] : termChanges(subscription, terms);
  return {
    period: { index, start, end },
    amount,
    charge,
    lines: [{ description: named(plan, quantity), amount, period: dates }, ...waiting],
    carried: balance === 0 ? [] : [{ description: 'Credit carried over', amount: balance, period: dates }],
    terms,
    changes: [...changesByCause[opening.cause], ...ofTerms, ...(charge === 0 ? (['renewed'] as const) : [])],
  };
}

const changesByCause: Record<Opening['cause'], SubscriptionChange[]> = {
  start: ['started'],
  trial_end: ['trial_ended'],
  resume: ['resumed'],
  period_end: [],
  cancel: [],
};

function newTerms(subscription: SubscriptionFacts, plan: PlanTerms): OpenedPeriod['terms'] {
  const pending = changeAtPeriodEnd(subscription);
  if (pending === null) return null;
  const amount = periodAmount(plan.amount, pending.quantity);
  if (amount === undefined) throw new Error(`the pending change of ${subscription.id} is too large`);
  return { plan_id: plan.id, quantity: pending.quantity, amount, interval: plan.interval };
}

function datesOf(subscription: SubscriptionFacts, { index, newAnchor, cause }: Opening): Period {
  const { interval, time_zone: zone, period } = subscription;
  const anchor = newAnchor ?? subscription.billing_anchor;
  const first = newAnchor === null ? subscription.anchor_period_index : index;
  const { start, end } = periodAt(anchor, zone, interval, index - first);
  // Time-zone data may have changed since the last period was opened; periods stay contiguous all the same.
  return { index, start: cause === 'period_end' && period !== null ? period.end : start, end };
}
