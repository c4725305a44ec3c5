/**
 * What the rules of a subscription look at: its row, as plain JSON.
 *
 * Instants are RFC 3339 UTC text, amounts whole minor units. The event contract's snapshot has all of it but the
 * last three, which only the process needs.
 */
import type { Interval } from '../calendar';
import type { SubscriptionStatus } from './subscription';

/** A change that waits: for the end of the period, or for its payment. */
export interface PendingChange {
  plan_id: string;
  quantity: number;
  effective: 'period_end' | 'when_paid';
  /** The end of the period; null: when the payment is settled. */
  effective_at: string | null;
  /** What has to be paid before the change holds; null: nothing. */
  payment_id: string | null;
  /** Of a change that waits for its payment: the one for the period's end that holds if it is not paid. */
  otherwise?: PendingChange | null;
}

/** The change that the end of the period brings, should nothing be paid before; null: there is none. */
export function changeAtPeriodEnd(pending: PendingChange | null): PendingChange | null {
  return pending?.effective === 'period_end' ? pending : (pending?.otherwise ?? null);
}

export interface SubscriptionFacts {
  id: string;
  status: SubscriptionStatus;
  version: number;
  plan_id: string;
  quantity: number;
  currency: string;
  /** Of one period. */
  amount: number;
  /** Credit carried (negative), debits waiting (positive). */
  balance: number;
  interval: Interval;
  time_zone: string;
  billing_anchor: string;
  start_at: string;
  period: { index: number; start: string; end: string; paid: boolean } | null;
  cancel_at: string | null;
  resume_at: string | null;
  pending_change: PendingChange | null;
  payment_method_id: string | null;
  open_payment_id: string | null;
  /** Days of the trial that a scheduled start begins with. */
  trial_days: number;
  /** The index of the period that begins at the billing anchor. */
  anchor_period_index: number;
  /** Where a pause came from, and a resumption leads back to while the period is unpaid. */
  paused_from: 'active' | 'past_due' | null;
}
