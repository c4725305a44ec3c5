/**
 * Statements on payments and on payment methods. The caller holds the payment's lock where it writes.
 *
 * Writes return what stands afterwards, so that nobody reads it again.
 */
import { isPaymentPaid, paymentStatuses, type PaymentStatus } from '../../domain/payment/payment';
import type { TraceContext } from '../../domain/trace';
import type { Database, Transaction } from '../../prisma/client';
import { sql } from '../../prisma/sql';
import type { Times } from '../clock';
import { paymentColumns, paymentMethodColumns, type PaymentMethodRow, type PaymentRow } from '../rows';

/** Reads a payment without a lock. Null when there is none. */
export async function findPayment(on: Database | Transaction, paymentId: string): Promise<PaymentRow | null> {
  const [row] = await sql(on).query<PaymentRow[]>`
    SELECT ${paymentColumns} FROM payments WHERE id = ${paymentId}`;
  return row ?? null;
}

/** Whether a version of a subscription is its cancellation. */
export async function isCancellation(
  tx: Transaction,
  subscriptionId: string,
  version: number,
): Promise<boolean> {
  const rows = await sql(tx).query`
    SELECT FROM changes WHERE subject_id = ${subscriptionId} AND version = ${version} AND 'cancelled' = ANY(changes)`;
  return rows.length > 0;
}

/** Whether the creation of a subscription was concluded while its first payment was open. */
export async function wasCreatedIncomplete(tx: Transaction, subscriptionId: string): Promise<boolean> {
  const rows = await sql(tx).query`
    SELECT FROM changes WHERE subject_id = ${subscriptionId} AND version = 1 AND result ->> 'status' = 'incomplete'`;
  return rows.length > 0;
}

/** Reads the ids of the paid payments of a subscription's price, newest first. What was asked for apart is not its price. */
export async function findPaidPayments(
  tx: Transaction,
  subscriptionId: string,
  currency: string,
  limit: number,
): Promise<string[]> {
  const rows = await sql(tx).query<{ id: string }[]>`
    SELECT id FROM payments
    WHERE subscription_id = ${subscriptionId} AND currency = ${currency} AND kind <> 'manual'
      AND status = ANY(${paymentStatuses.filter(isPaymentPaid)})
    ORDER BY created_at DESC, id DESC LIMIT ${limit}`;
  return rows.map(({ id }) => id);
}

/** Whether there is such a customer, who is not erased. */
export async function isCustomer(tx: Transaction, customerId: string): Promise<boolean> {
  const rows = await sql(tx).query`SELECT FROM customers WHERE id = ${customerId} AND erased_at IS NULL`;
  return rows.length > 0;
}

/** Reads a payment method, also a deleted one. Null when there is none. */
export async function findPaymentMethod(
  tx: Transaction,
  paymentMethodId: string,
): Promise<PaymentMethodRow | null> {
  const [row] = await sql(tx).query<PaymentMethodRow[]>`
    SELECT ${paymentMethodColumns} FROM payment_methods WHERE id = ${paymentMethodId}`;
  return row ?? null;
}

/** Publishes the payment's outcome from now on. */
export function enqueueAnnouncement(tx: Transaction, payment: PaymentRow): PaymentRow {
  sql(tx).enqueue`UPDATE payments SET announced = true WHERE id = ${payment.id}`;
  return { ...payment, announced: true };
}

/** What a change of a payment alone writes; the version follows. */
type PaymentPatch = Pick<PaymentRow, 'status' | 'updated_at'> &
  Partial<
    Pick<
      PaymentRow,
      | 'cancel_requested_at'
      | 'cancel_reason'
      | 'refunded_amount'
      | 'disputed_amount'
      | 'lost_amount'
      | 'next_attempt_at'
    >
  >;

function enqueuePaymentPatch(tx: Transaction, payment: PaymentRow, patch: PaymentPatch): PaymentRow {
  const changed: PaymentRow = { ...payment, ...patch, version: payment.version + 1 };
  sql(tx).enqueue`
    UPDATE payments SET version = ${changed.version}, status = ${changed.status}, updated_at = ${changed.updated_at},
      cancel_requested_at = ${changed.cancel_requested_at}, cancel_reason = ${changed.cancel_reason},
      refunded_amount = ${changed.refunded_amount}, next_attempt_at = ${changed.next_attempt_at},
      disputed_amount = ${changed.disputed_amount}, lost_amount = ${changed.lost_amount}
    WHERE id = ${payment.id}`;
  return changed;
}

/** Records a request to cancel. @param status of the payment from now on */
export function enqueueCancellation(
  tx: Transaction,
  payment: PaymentRow,
  status: PaymentStatus,
  reason: string,
  now: Date,
): PaymentRow {
  return enqueuePaymentPatch(tx, payment, {
    status,
    cancel_requested_at: now,
    cancel_reason: reason,
    updated_at: now,
  });
}

/** Records what of a paid payment is disputed, and what was lost. */
export function enqueueDisputed(
  tx: Transaction,
  payment: PaymentRow,
  { status, disputed, lost }: { status: PaymentStatus; disputed: number; lost: number },
  now: Date,
): PaymentRow {
  return enqueuePaymentPatch(tx, payment, {
    status,
    disputed_amount: BigInt(disputed),
    lost_amount: BigInt(lost),
    next_attempt_at: null,
    updated_at: now,
  });
}

/** Records how much of a payment was given back. */
export function enqueueRefundedAmount(
  tx: Transaction,
  payment: PaymentRow,
  status: PaymentStatus,
  refundedAmount: number,
  now: Date,
): PaymentRow {
  return enqueuePaymentPatch(tx, payment, {
    status,
    refunded_amount: BigInt(refundedAmount),
    updated_at: now,
  });
}

/** A payment of its own, before its first attempt. */
export type NewManualPayment = Pick<
  PaymentRow,
  'id' | 'customer_id' | 'subscription_id' | 'currency' | 'payment_method_id' | 'reason'
> & { amount: number; trace: TraceContext };

/** Writes a payment of its own. @returns the row, or the one that has the id already, and whether it is new */
export async function insertManualPayment(
  tx: Transaction,
  payment: NewManualPayment,
  { now, realNow }: Times,
): Promise<{ payment: PaymentRow; isNew: boolean }> {
  const { id, customer_id, subscription_id, currency, amount, payment_method_id, reason, trace } = payment;
  const [inserted] = await sql(tx).query<PaymentRow[]>`
    INSERT INTO payments (id, kind, status, announced, customer_id, subscription_id, currency, amount,
      payment_method_id, named_method, reason, trace, created_at, updated_at)
    VALUES (${id}, 'manual', 'requested', true, ${customer_id}, ${subscription_id}, ${currency}, ${amount},
      ${payment_method_id}, ${payment_method_id !== null}, ${reason}, ${JSON.stringify(trace)}::jsonb, ${now}, ${realNow})
    ON CONFLICT DO NOTHING
    RETURNING ${paymentColumns}`;
  // Only a statement of its own sees the row that another transaction has committed meanwhile.
  const row = inserted ?? (await findPayment(tx, id));
  if (row === null) throw new Error(`payment ${id} was neither written nor found`);
  return { payment: row, isNew: inserted !== undefined };
}
