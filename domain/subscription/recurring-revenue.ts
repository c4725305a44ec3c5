/**
 * What a subscription is worth a month, and how that moves. Pure.
 *
 * Rules: a month is a twelfth of a year, a year has 365 days or 52 weeks (the field's usual convention for monthly
 * recurring revenue); one rounding for each subscription, half away from zero; trials, pauses and what has not
 * begun are worth nothing; past due counts until it ends.
 */
import type { Interval } from '../calendar';
import type { SubscriptionStatus } from './subscription';

const periodsPerYear: Readonly<Record<Interval['unit'], bigint>> = {
  day: 365n,
  week: 52n,
  month: 12n,
  year: 1n,
};

/** Whether a subscription in this state counts as recurring revenue. */
export function isRecurring(status: SubscriptionStatus): boolean {
  return status === 'active' || status === 'past_due';
}

/**
 * Minor units a month.
 * @param amount of one period, minor units, 0 or more
 * @throws RangeError for an interval of no length
 */
export function monthlyAmount(amount: number, { unit, count }: Interval): number {
  const numerator = BigInt(amount) * periodsPerYear[unit];
  const denominator = 12n * BigInt(count);
  return Number((2n * numerator + denominator) / (2n * denominator));
}

export const revenueMovements = ['new', 'expansion', 'contraction', 'churn', 'recovery'] as const;
export type RevenueMovement = (typeof revenueMovements)[number];

/**
 * What a change from `before` to `after` (minor units a month) is called; null when nothing moved.
 * @param everCounted the subscription was worth something at some time before
 */
export function revenueMovement(before: number, after: number, everCounted: boolean): RevenueMovement | null {
  if (after === before) return null;
  if (before === 0) return everCounted ? 'recovery' : 'new';
  if (after === 0) return 'churn';
  return after > before ? 'expansion' : 'contraction';
}
