/** Statements over the payments of a subscription: those of a change, and what its end or pause makes of the others. */
import {
  isPaymentOpen,
  kindsThatEndWithSubscription,
  paymentStatuses,
  type Failure,
} from '../../domain/payment/payment';
import type { Pause } from '../../domain/retry/pauses';
import type { Line } from '../../domain/subscription/proration';
import type { TraceContext } from '../../domain/trace';
import type { Database, Transaction } from '../../prisma/client';
import { sql } from '../../prisma/sql';
import type { PaidChange, PaymentRow, SubscriptionRow } from '../rows';

export interface NewChangePayment extends Pick<
  PaymentRow,
  | 'id'
  | 'customer_id'
  | 'subscription_id'
  | 'period_index'
  | 'currency'
  | 'payment_method_id'
  | 'created_at'
  | 'updated_at'
> {
  amount: number;
  lines: readonly Line[];
  change: PaidChange;
  trace: TraceContext;
}

/** Whether there is such a payment. */
export async function paymentExists(tx: Transaction, paymentId: string): Promise<boolean> {
  const rows = await sql(tx).query<object[]>`SELECT 1 FROM payments WHERE id = ${paymentId}`;
  return rows.length > 0;
}

/** Writes the payment that a change waits for. */
export function enqueueChangePayment(tx: Transaction, payment: NewChangePayment): void {
  sql(tx).enqueue`
    INSERT INTO payments (id, kind, status, customer_id, subscription_id, period_index, currency, amount, lines,
      payment_method_id, announced, change, trace, created_at, updated_at)
    VALUES (${payment.id}, 'proration', 'requested', ${payment.customer_id}, ${payment.subscription_id},
      ${payment.period_index}, ${payment.currency}, ${payment.amount}, ${JSON.stringify(payment.lines)}::jsonb,
      ${payment.payment_method_id}, false, ${JSON.stringify(payment.change)}::jsonb,
      ${JSON.stringify(payment.trace)}::jsonb, ${payment.created_at}, ${payment.updated_at})`;
}

/** From now on the outcome of a change's payment is published: the change waits for it. */
export function enqueueAnnouncedChange(tx: Transaction, paymentId: string, change: PaidChange): void {
  sql(tx).enqueue`
    UPDATE payments SET announced = true, change = ${JSON.stringify(change)}::jsonb WHERE id = ${paymentId}`;
}

/** Cancels a payment that is not wanted any more. */
export function enqueueCancelledPayment(tx: Transaction, paymentId: string, realNow: Date): void {
  sql(tx).enqueue`
    UPDATE payments SET status = 'cancelled', version = version + 1, updated_at = ${realNow} WHERE id = ${paymentId}`;
}

/** Marks an open payment as not wanted any more: it is not tried again, and its money goes back should it still come. */
export function enqueueCancelRequest(
  tx: Transaction,
  paymentId: string,
  reason: string,
  realNow: Date,
): void {
  sql(tx).enqueue`
    UPDATE payments SET cancel_requested_at = ${realNow}, cancel_reason = ${reason}, version = version + 1,
      updated_at = ${realNow}
    WHERE id = ${paymentId} AND cancel_requested_at IS NULL AND status = ANY(${openStatuses})`;
}

/** When the first attempt of a payment was begun, real time, while nothing was heard of its call; else null. */
export async function openAttemptBegunAt(tx: Transaction, paymentId: string): Promise<Date | null> {
  const [open] = await sql(tx).query<{ started_at: Date }[]>`
    SELECT started_at FROM payment_attempts
    WHERE payment_id = ${paymentId} AND number = 1 AND settled_at IS NULL AND last_call_ended_at IS NULL`;
  return open?.started_at ?? null;
}

/** Whether the provider is being called for the subscription's open period, as far as is known. */
export async function isBeingCharged(db: Database, subscriptionId: string): Promise<boolean> {
  const rows = await sql(db).query<object[]>`
    SELECT 1 FROM subscriptions s JOIN payment_attempts a ON a.payment_id = s.open_payment_id
    WHERE s.id = ${subscriptionId} AND a.number = 1 AND a.status = 'processing' AND a.last_call_ended_at IS NULL
      AND a.started_at > clock_timestamp() - interval '15 seconds'`;
  return rows.length > 0;
}

/** Reads the payments whose money was collected and is not applied yet, oldest first. The caller locks them. */
export async function findUnapplied(tx: Transaction, subscriptionId: string): Promise<string[]> {
  const rows = await sql(tx).query<{ id: string }[]>`
    SELECT id FROM payments WHERE subscription_id = ${subscriptionId} AND unapplied_amount <> 0
    ORDER BY created_at, id`;
  return rows.map(({ id }) => id);
}

/** Writes a failed payment off: nothing more is attempted, and no notification follows. */
export function enqueueWriteOff(tx: Transaction, paymentId: string, realNow: Date): void {
  sql(tx).enqueue`
    UPDATE payments SET status = 'uncollectible', version = version + 1, next_attempt_at = NULL,
      next_notice_at = NULL, updated_at = ${realNow}
    WHERE id = ${paymentId}`;
}

/**
 * Cancels the failed payments of a subscription that ends: nothing is attempted any more, and no notification follows.
 */
export function enqueueCancelledFailed(tx: Transaction, subscriptionId: string, realNow: Date): void {
  sql(tx).enqueue`
    UPDATE payments SET status = 'cancelled', cancel_requested_at = ${realNow}, cancel_reason = 'subscription_ended',
      version = version + 1, next_attempt_at = NULL, next_notice_at = NULL, updated_at = ${realNow}
    WHERE subscription_id = ${subscriptionId} AND status = 'failed'
      AND kind = ANY(${kindsThatEndWithSubscription})`;
}

/** Withdraws the planned attempts of a subscription that ended or pauses. */
export function enqueueWithdrawnAttempts(tx: Transaction, subscriptionId: string): void {
  sql(tx).enqueue`
    UPDATE payments SET next_attempt_at = NULL
    WHERE subscription_id = ${subscriptionId} AND next_attempt_at IS NOT NULL`;
}

const openStatuses = paymentStatuses.filter(isPaymentOpen);

/** A failed one may be about to be attempted again: the end of the subscription ends that, too. */
const unsettledStatuses = [...openStatuses, 'failed'];

/**
 * Records for the payments that are retried that a pause has ended, in which their time stood still.
 * @param row as it was while it was paused
 * @param now the customer's time
 */
export function enqueuePauseEnd(
  tx: Transaction,
  { id, paused_at: pausedAt }: Pick<SubscriptionRow, 'id' | 'paused_at'>,
  now: Date,
): void {
  if (pausedAt === null) return;
  const pause: Pause = { from: pausedAt.toISOString(), to: now.toISOString() };
  sql(tx).enqueue`
    UPDATE payments SET pauses = pauses || ${JSON.stringify([pause])}::jsonb
    WHERE subscription_id = ${id} AND kind IN ('renewal', 'manual') AND status = ANY(${unsettledStatuses})`;
}

/** Ids of the payments for which money may still come, oldest first; without payments of their own. */
export async function unsettledPaymentIds(tx: Transaction, subscriptionId: string): Promise<string[]> {
  const rows = await sql(tx).query<{ id: string }[]>`
    SELECT id FROM payments
    WHERE subscription_id = ${subscriptionId} AND kind <> 'manual' AND status = ANY(${unsettledStatuses})
    ORDER BY created_at, id`;
  return rows.map(({ id }) => id);
}

/** Why the latest attempt of a payment failed; null: it has none, or it did not fail. */
export async function latestFailure(tx: Transaction, paymentId: string): Promise<Failure | null> {
  const [row] = await sql(tx).query<{ failure: Failure | null }[]>`
    SELECT failure FROM payment_attempts WHERE payment_id = ${paymentId} ORDER BY number DESC LIMIT 1`;
  return row?.failure ?? null;
}
