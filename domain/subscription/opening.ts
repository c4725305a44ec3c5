/**
 * Opening a period: its dates, its price, and what it makes of the subscription.
 *
 * Pure; computes dates, so not for workflows. Instants are RFC 3339 UTC text, amounts minor units. Invariants:
 * - A period begins where the one before it ended, except after a pause or with a new anchor.
 * - A change that waited for the period takes effect with it: dates and price are of the same terms.
 */
import { boundary, periodAt, trialEnd, type Interval } from '../calendar';
import { periodAmount } from '../money';
import { named, termChanges, type NewTerms, type PlanTerms } from './change';
import type { DueDecision } from './due';
import { changeAtPeriodEnd, type SubscriptionFacts } from './facts';
import type { Line } from './proration';
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
  /** What is sold, in the words of a bill's line. */
  description: string;
  /** The instant from which boundaries are counted from now on; null: as before. */
  newAnchor: string | null;
  /** The terms that take effect with the period; null: they stay. */
  terms: Omit<NewTerms, 'new_period'> | null;
  changes: SubscriptionChange[];
}

/** The plan that the next period sells: the present one, or that of a change which waits for it. */
export function nextPlanId(subscription: Pick<SubscriptionFacts, 'plan_id' | 'pending_change'>): string {
  return changeAtPeriodEnd(subscription.pending_change)?.plan_id ?? subscription.plan_id;
}

/**
 * Decides what an opened period sells, and when. What it charges is the ledger's to say.
 * @param plan the plan {@link nextPlanId}
 * @throws Error when the pending change makes the amount too large
 */
export function decideOpening(
  subscription: SubscriptionFacts,
  plan: PlanTerms,
  opening: Opening,
): OpenedPeriod {
  const terms = newTerms(subscription, plan);
  const quantity = terms?.quantity ?? subscription.quantity;
  const { period, newAnchor } = datesOf(subscription, terms?.interval ?? subscription.interval, opening);
  const ofTerms = terms === null ? [] : termChanges(subscription, terms);
  return {
    period,
    amount: terms?.amount ?? subscription.amount,
    description: named(plan, quantity),
    newAnchor,
    terms,
    changes: [...changesByCause[opening.cause], ...ofTerms],
  };
}

/** What an opening charged, as the lines of its bill say it. */
export interface OpeningMoney {
  /** What the payment takes; 0: there is none. */
  charge: number;
  /** Of the customer's credit. */
  customerCreditUsed: number;
  /** What waits for the next charge: owed (positive) or credit (negative). */
  balance: number;
}

/**
 * The lines of an opened period's bill, and those that wait for the next one.
 * @param waiting the lines that waited for this period; the subscription's balance was their sum
 * @returns `lines`, which come to the charge; `carried`, which come to the balance
 */
export function openingLines(
  { period, amount, description }: Pick<OpenedPeriod, 'period' | 'amount' | 'description'>,
  waiting: readonly Line[],
  { customerCreditUsed, balance }: OpeningMoney,
): { lines: Line[]; carried: Line[] } {
  const dates = { start: period.start, end: period.end };
  const line = (text: string, value: number): Line[] =>
    value === 0 ? [] : [{ description: text, amount: value, period: dates }];
  const carriedText = balance > 0 ? 'Carried to the next charge' : 'Credit carried over';
  return {
    lines: [
      { description, amount, period: dates },
      ...waiting,
      ...line('Credit used', -customerCreditUsed),
      ...line(carriedText, 0 - balance),
    ],
    carried: line(carriedText, balance),
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
  const pending = changeAtPeriodEnd(subscription.pending_change);
  if (pending === null) return null;
  const amount = periodAmount(plan.amount, pending.quantity);
  if (amount === undefined) throw new Error(`the pending change of ${subscription.id} is too large`);
  return { plan_id: plan.id, quantity: pending.quantity, amount, interval: plan.interval };
}

/** Another interval counts its boundaries from where it begins. */
function datesOf(
  subscription: SubscriptionFacts,
  interval: Interval,
  { index, newAnchor, cause }: Opening,
): { period: Period; newAnchor: string | null } {
  const { interval: before, time_zone: zone, period } = subscription;
  const isOther = interval.unit !== before.unit || interval.count !== before.count;
  const ownAnchor = newAnchor ?? (isOther && period !== null ? period.end : null);
  const anchor = ownAnchor ?? subscription.billing_anchor;
  const first = ownAnchor === null ? subscription.anchor_period_index : index;
  const { start, end } = periodAt(anchor, zone, interval, index - first);
  // Time-zone data may have changed since the last period was opened; periods stay contiguous all the same.
  const begin = cause === 'period_end' && period !== null ? period.end : start;
  return { period: { index, start: begin, end }, newAnchor: ownAnchor };
}
