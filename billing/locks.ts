/**
 * Locks, in the one order that all keep: webhook delivery, subscription, payment, attempt, customer balance,
 * outbox.
 *
 * What a lock returns is the row as it stands once the lock is held, also when it had to be waited for. A payment is
 * read by a statement of its own after the subscription's lock, so that it is seen as committed by whoever held that
 * lock before (READ COMMITTED). FOR SHARE is never upgraded.
 */
import type { Transaction } from '../prisma/client';
import { sql } from '../prisma/sql';
import { Prisma } from '../prisma/generated/client';
import { customerBalanceColumns, type CustomerBalanceRow } from './ledger-rows';
import {
  customerColumns,
  deliveryColumns,
  paymentColumns,
  subscriptionColumns,
  testClockColumns,
  type CustomerRow,
  type DeliveryRow,
  type PaymentRow,
  type SubscriptionRow,
  type TestClockRow,
} from './rows';

/** A locked row, and PostgreSQL's time when the lock was there. */
export interface Locked<Row> {
  row: Row;
  realNow: Date;
}

/** Where an erasure stands: the step, and the key of the last row that was looked at. Null: the pass is to begin. */
export interface ErasureProgress {
  step: string | null;
  position: string[] | null;
  /** Of a later pass: tables that are looked through for the customer's rows are looked through from then on. */
  since: Date | null;
}

/** Locks a subscription for a change. Null when it does not exist. */
export async function lockSubscription(
  tx: Transaction,
  subscriptionId: string,
): Promise<Locked<SubscriptionRow> | null> {
  // The outer query reads the clock for the row that the inner one gave, so after its lock.
  const [found] = await sql(tx).query<(SubscriptionRow & { real_now: Date })[]>`
    WITH locked AS MATERIALIZED (
      SELECT ${subscriptionColumns} FROM subscriptions WHERE id = ${subscriptionId} FOR UPDATE
    )
    SELECT ${subscriptionColumns}, clock_timestamp() AS real_now FROM locked`;
  if (found === undefined) return null;
  const { real_now: realNow, ...row } = found;
  return { row, realNow };
}

/** Keeps a subscription as it is until the transaction ends, beside others who do the same. */
export async function lockSubscriptionForShare(
  tx: Transaction,
  subscriptionId: string | null,
): Promise<SubscriptionRow | null> {
  if (subscriptionId === null) return null;
  const [row] = await sql(tx).query<SubscriptionRow[]>`
    SELECT ${subscriptionColumns} FROM subscriptions WHERE id = ${subscriptionId} FOR SHARE`;
  return row ?? null;
}

/** Locks a payment for a change; its subscription's lock comes first. Null when it does not exist. */
export async function lockPayment(tx: Transaction, paymentId: string): Promise<PaymentRow | null> {
  const [row] = await sql(tx).query<PaymentRow[]>`
    SELECT ${paymentColumns} FROM payments WHERE id = ${paymentId} FOR UPDATE`;
  return row ?? null;
}

/** Locks a stored webhook; its lock comes before the subscription's. Null when it does not exist. */
export async function lockDelivery(tx: Transaction, deliveryId: string): Promise<DeliveryRow | null> {
  const [row] = await sql(tx).query<DeliveryRow[]>`
    SELECT ${deliveryColumns} FROM webhook_deliveries WHERE id = ${deliveryId} FOR UPDATE`;
  return row ?? null;
}

/** Has the writers of one retry policy take turns, also while there is no row to lock. */
export async function lockRetryPolicy(tx: Transaction, policyId: string): Promise<void> {
  await sql(tx).query`SELECT pg_advisory_xact_lock(hashtextextended(${`retry_policy/${policyId}`}, 0))::text`;
}

/** Ends the SELECT of a batch: locks its rows, without those that another transaction holds. */
export const exceptLocked = Prisma.sql`FOR UPDATE SKIP LOCKED`;

/** A payment under its lock, its subscription under one as well, and PostgreSQL's time when both were there. */
export interface LockedPayment {
  payment: PaymentRow;
  subscription: SubscriptionRow | null;
  realNow: Date;
}

/**
 * Locks a payment for a change while its subscription, if it has one, stays as it is: the order for writers of payments
 * or attempts. @throws when there is no such payment
 */
export function lockPaymentInOrder(tx: Transaction, paymentId: string): Promise<LockedPayment> {
  return lockInOrder(tx, paymentId, Prisma.sql`FOR SHARE`);
}

/**
 * Locks a payment and its subscription for a change: the order for writers of a subscription's money.
 * @throws when there is no such payment
 */
export function lockPaymentWithSubscription(tx: Transaction, paymentId: string): Promise<LockedPayment> {
  return lockInOrder(tx, paymentId, Prisma.sql`FOR UPDATE`);
}

async function lockInOrder(
  tx: Transaction,
  paymentId: string,
  subscriptionLock: Prisma.Sql,
): Promise<LockedPayment> {
  // Asked at once, carried out one after the other. Whose a payment is never changes, so it may be looked up before its lock.
  const [[subscription], [found]] = await Promise.all([
    sql(tx).query<SubscriptionRow[]>`
      SELECT ${subscriptionColumns} FROM subscriptions
      WHERE id = (SELECT subscription_id FROM payments WHERE id = ${paymentId}) ${subscriptionLock}`,
    sql(tx).query<(PaymentRow & { real_now: Date })[]>`
      WITH locked AS MATERIALIZED (
        SELECT ${paymentColumns} FROM payments WHERE id = ${paymentId} FOR UPDATE
      )
      SELECT ${paymentColumns}, clock_timestamp() AS real_now FROM locked`,
  ]);
  if (found === undefined) throw new Error(`payment ${paymentId} does not exist`);
  const { real_now: realNow, ...payment } = found;
  return { payment, subscription: subscription ?? null, realNow };
}

/**
 * Locks payments of whatever subscriptions, and these, for a change: subscriptions first, each by id.
 * @returns the payments that exist, oldest first
 */
export async function lockPaymentsWithSubscriptions(
  tx: Transaction,
  paymentIds: readonly string[],
): Promise<LockedPayment[]> {
  if (paymentIds.length === 0) return [];
  const [subscriptions, payments] = await Promise.all([
    sql(tx).query<SubscriptionRow[]>`
      SELECT ${subscriptionColumns} FROM subscriptions
      WHERE id IN (SELECT subscription_id FROM payments WHERE id = ANY(${paymentIds})) ORDER BY id FOR UPDATE`,
    sql(tx).query<(PaymentRow & { real_now: Date })[]>`
      WITH locked AS MATERIALIZED (
        SELECT ${paymentColumns} FROM payments WHERE id = ANY(${paymentIds}) ORDER BY id FOR UPDATE
      )
      SELECT ${paymentColumns}, clock_timestamp() AS real_now FROM locked ORDER BY created_at, id`,
  ]);
  return payments.map(({ real_now: realNow, ...payment }) => ({
    payment,
    subscription: subscriptions.find(({ id }) => id === payment.subscription_id) ?? null,
    realNow,
  }));
}

/** Locks payments of one subscription for a change, whose lock is held. */
export async function lockPayments(
  tx: Transaction,
  subscriptionId: string,
  paymentIds: readonly string[],
): Promise<PaymentRow[]> {
  return sql(tx).query<PaymentRow[]>`
    SELECT ${paymentColumns} FROM payments WHERE subscription_id = ${subscriptionId} AND id = ANY(${paymentIds})
    ORDER BY id FOR UPDATE`;
}

/** Locks a customer for a change; rows may refer to it meanwhile. Null when it does not exist. */
export async function lockCustomer(tx: Transaction, customerId: string): Promise<CustomerRow | null> {
  const [row] = await sql(tx).query<CustomerRow[]>`
    SELECT ${customerColumns} FROM customers WHERE id = ${customerId} FOR NO KEY UPDATE`;
  return row ?? null;
}

/** Locks a customer for an erasure: nothing that refers to it begins meanwhile. Null when it does not exist. */
export async function lockCustomerForErasure(
  tx: Transaction,
  customerId: string,
): Promise<CustomerRow | null> {
  const [row] = await sql(tx).query<CustomerRow[]>`
    SELECT ${customerColumns} FROM customers WHERE id = ${customerId} FOR UPDATE`;
  return row ?? null;
}

/** Ends a SELECT of customers: keeps them from being erased until the transaction ends. */
export const beforeErasure = Prisma.sql`FOR KEY SHARE`;

/** Ends the SELECT of an erasure's batch: locks the rows of `t`, and nothing else in its transaction. */
export const ofErasure = Prisma.sql`FOR NO KEY UPDATE OF t`;

/** Keeps a customer from being erased until the transaction ends; what it reads next knows of an erasure before. */
export function enqueueErasureBarrier(tx: Transaction, customerId: string): void {
  sql(tx).enqueue`SELECT FROM customers WHERE id = ${customerId} ${beforeErasure}`;
}

/** Locks an erasure for its next batch. Null: it has nothing to do, or another process is at it. */
export async function lockDueErasure(tx: Transaction, customerId: string): Promise<ErasureProgress | null> {
  const [row] = await sql(tx).query<ErasureProgress[]>`
    SELECT step, position, CASE WHEN finished_at IS NOT NULL THEN started_at END AS since FROM customer_erasures
    WHERE customer_id = ${customerId} AND next_pass_at <= clock_timestamp() ${exceptLocked}`;
  return row ?? null;
}

/**
 * Locks what a customer has in one currency, after subscriptions and payments. Null when there is no row, so no credit:
 * whoever may add some locks with {@link lockOrOpenCustomerBalance}.
 */
export async function lockCustomerBalance(
  tx: Transaction,
  customerId: string,
  currency: string,
): Promise<CustomerBalanceRow | null> {
  const [row] = await sql(tx).query<CustomerBalanceRow[]>`
    SELECT ${customerBalanceColumns} FROM customer_balances
    WHERE customer_id = ${customerId} AND currency = ${currency} FOR UPDATE`;
  return row ?? null;
}

/** {@link lockCustomerBalance} in every currency that there is a row for. */
export async function lockCustomerBalances(
  tx: Transaction,
  customerId: string,
): Promise<CustomerBalanceRow[]> {
  return sql(tx).query<CustomerBalanceRow[]>`
    SELECT ${customerBalanceColumns} FROM customer_balances WHERE customer_id = ${customerId}
    ORDER BY currency FOR UPDATE`;
}

/** {@link lockCustomerBalance} that writes an empty row when there is none: two who add the first credit take turns. */
export async function lockOrOpenCustomerBalance(
  tx: Transaction,
  customerId: string,
  currency: string,
): Promise<CustomerBalanceRow> {
  const [row] = await sql(tx).query<[CustomerBalanceRow]>`
    INSERT INTO customer_balances (customer_id, currency) VALUES (${customerId}, ${currency})
    ON CONFLICT (customer_id, currency) DO UPDATE SET credit = customer_balances.credit
    RETURNING ${customerBalanceColumns}`;
  return row;
}

/** Locks a test clock for a change. Null when it does not exist. */
export async function lockTestClock(tx: Transaction, testClockId: string): Promise<TestClockRow | null> {
  const [row] = await sql(tx).query<TestClockRow[]>`
    SELECT ${testClockColumns} FROM test_clocks WHERE id = ${testClockId} FOR UPDATE`;
  return row ?? null;
}

/** Has the runs that begin take turns: each sees what the others have selected. */
export async function lockBulkRetries(tx: Transaction): Promise<void> {
  await sql(tx).query`SELECT pg_advisory_xact_lock(hashtextextended('bulk_retries', 0))::text`;
}

/** Locks a bulk retry for a change, if it exists. */
export async function lockBulkRetry(tx: Transaction, bulkRetryId: string): Promise<void> {
  await sql(tx).query`SELECT 1 FROM bulk_retries WHERE id = ${bulkRetryId} FOR UPDATE`;
}
