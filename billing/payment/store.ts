/**
 * Statements on payments and their attempts. The caller holds the payment's lock where it writes.
 *
 * Writes return what stands afterwards, so that nobody reads it again.
 */
import type { AttemptTrigger, PaymentStatus } from '../../domain/payment/payment';
import type { SettlementDecision } from '../../domain/payment/settlement';
import type { Database, Transaction } from '../../prisma/client';
import { sql } from '../../prisma/sql';
import { Prisma } from '../../prisma/generated/client';
import type { Times } from '../clock';
import {
  attemptColumns,
  paymentColumns,
  paymentMethodColumns,
  type AttemptRow,
  type PaymentMethodRow,
  type PaymentRow,
} from '../rows';

export interface NewAttempt {
  number: number;
  idempotencyKey: string;
  trigger: AttemptTrigger;
  onSession: boolean;
  /** Null: there is nothing to charge. */
  method: Pick<PaymentMethodRow, 'id' | 'provider'> | null;
}

/** Reads a payment without a lock. Null when there is none. */
export async function findPayment(on: Database | Transaction, paymentId: string): Promise<PaymentRow | null> {
  const [row] = await sql(on).query<PaymentRow[]>`
    SELECT ${paymentColumns} FROM payments WHERE id = ${paymentId}`;
  return row ?? null;
}

/** A payment's attempts, oldest first. */
export function attemptsOf(tx: Transaction, paymentId: string): Promise<AttemptRow[]> {
  return sql(tx).query<AttemptRow[]>`
    SELECT ${attemptColumns} FROM payment_attempts WHERE payment_id = ${paymentId} ORDER BY number`;
}

/** Reads an attempt. Null when there is none. */
export async function findAttempt(
  on: Database | Transaction,
  paymentId: string,
  number: number,
): Promise<AttemptRow | null> {
  const [row] = await sql(on).query<AttemptRow[]>`
    SELECT ${attemptColumns} FROM payment_attempts WHERE payment_id = ${paymentId} AND number = ${number}`;
  return row ?? null;
}

/** @throws Error when there is no such attempt: nobody can learn about what was never begun */
export async function attemptOf(
  on: Database | Transaction,
  paymentId: string,
  number: number,
): Promise<AttemptRow> {
  const row = await findAttempt(on, paymentId, number);
  if (row === null) throw new Error(`attempt ${number} of ${paymentId} does not exist`);
  return row;
}

/** Reads the attempt whose charge paid the payment; a later success is no part of it and is given back apart. */
export async function findPayingAttempt(tx: Transaction, paymentId: string): Promise<AttemptRow | null> {
  const [row] = await sql(tx).query<AttemptRow[]>`
    SELECT ${attemptColumns} FROM payment_attempts WHERE payment_id = ${paymentId} AND status = 'completed'
    ORDER BY settled_at, number LIMIT 1`;
  return row ?? null;
}

/** Whether an attempt of the payment has the provider's charge of this name. */
export async function hasCharge(
  tx: Transaction,
  paymentId: string,
  provider: string,
  reference: string,
): Promise<boolean> {
  const rows = await sql(tx).query`
    SELECT FROM payment_attempts
    WHERE payment_id = ${paymentId} AND provider = ${provider} AND provider_reference = ${reference} LIMIT 1`;
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

/** What of a payment its attempts need. */
export type AttemptedPayment = Pick<
  PaymentRow,
  'id' | 'kind' | 'customer_id' | 'subscription_id' | 'amount' | 'currency'
>;

/** Begins an attempt: the payment is in processing from now on (PostgreSQL's time). */
export async function insertAttempt(
  tx: Transaction,
  payment: AttemptedPayment,
  attempt: NewAttempt,
): Promise<AttemptRow> {
  const { method } = attempt;
  const [row] = await sql(tx).query<[AttemptRow]>`
    WITH moment AS MATERIALIZED (SELECT clock_timestamp() AS now),
    paying AS (
      UPDATE payments SET version = version + 1, status = 'processing', updated_at = moment.now,
        provider = coalesce(${method?.provider ?? null}, provider),
        payment_method_id = coalesce(${method?.id ?? null}, payment_method_id)
      FROM moment WHERE id = ${payment.id}
    )
    ${attemptInsertion(payment, attempt)} FROM moment
    RETURNING ${attemptColumns}`;
  return row;
}

/** An INSERT that ends with its SELECT's list; it needs a FROM with `moment`, whose `now` is when the attempt begins. */
export function attemptInsertion(
  payment: AttemptedPayment,
  { number, idempotencyKey, trigger, onSession, method }: NewAttempt,
): Prisma.Sql {
  return Prisma.sql`
    INSERT INTO payment_attempts (payment_id, number, idempotency_key, trigger, on_session, provider,
      payment_method_id, amount, currency, status, started_at)
    SELECT ${payment.id}, ${number}, ${idempotencyKey}, ${trigger}, ${onSession}, ${method?.provider ?? null},
      ${method?.id ?? null}, ${payment.amount}, ${payment.currency}, 'processing', moment.now`;
}

interface AttemptAndPayment {
  attempt: AttemptRow;
  payment: PaymentRow;
}

/**
 * Writes what a settlement decided, of the attempt and of its payment in one statement.
 * @returns both rows as they stand then
 */
export function enqueueSettlement(
  tx: Transaction,
  { attempt, payment }: AttemptAndPayment,
  decision: SettlementDecision,
  { now, realNow }: Times,
): AttemptAndPayment {
  if (decision.attempt === null) return { attempt, payment };
  const { callEnded, ...columns } = decision.attempt;
  const settled: AttemptRow = {
    ...attempt,
    ...columns,
    settled_at: columns.settled_by === null ? null : now,
    // A lookup that finds nothing proves something only some time after the last call ended.
    last_call_ended_at: callEnded ? realNow : attempt.last_call_ended_at,
  };
  const attemptUpdate = Prisma.sql`
    UPDATE payment_attempts SET status = ${settled.status}, provider_reference = ${settled.provider_reference},
      failure = ${jsonOrNull(settled.failure)}::jsonb, settled_by = ${settled.settled_by},
      settled_at = ${settled.settled_at}, last_call_ended_at = ${settled.last_call_ended_at}
    WHERE payment_id = ${payment.id} AND number = ${attempt.number}`;
  if (decision.payment === null) {
    sql(tx).enqueue(attemptUpdate);
    return { attempt: settled, payment };
  }
  const { endsPlan, ...ofPayment } = decision.payment;
  const changed: PaymentRow = {
    ...payment,
    ...ofPayment,
    version: payment.version + 1,
    next_attempt_at: endsPlan ? null : payment.next_attempt_at,
    next_notice_at: endsPlan ? null : payment.next_notice_at,
    updated_at: realNow,
  };
  sql(tx).enqueue`
    WITH attempted AS (${attemptUpdate})
    UPDATE payments SET version = ${changed.version}, status = ${changed.status},
      next_action = ${jsonOrNull(changed.next_action)}::jsonb, next_attempt_at = ${changed.next_attempt_at},
      next_notice_at = ${changed.next_notice_at}, updated_at = ${changed.updated_at}
    WHERE id = ${payment.id}`;
  return { attempt: settled, payment: changed };
}

function jsonOrNull(value: object | null): string | null {
  return value === null ? null : JSON.stringify(value);
}

/** Records when a call of the provider ended that said nothing. */
export function enqueueCallEnded(tx: Transaction, attempt: AttemptRow, realNow: Date): AttemptRow {
  sql(tx).enqueue`
    UPDATE payment_attempts SET last_call_ended_at = ${realNow}
    WHERE payment_id = ${attempt.payment_id} AND number = ${attempt.number}`;
  return { ...attempt, last_call_ended_at: realNow };
}

/** Records a lookup. @param notFound lookups in a row that found nothing and count */
export function enqueueLookup(tx: Transaction, attempt: AttemptRow, notFound: number): void {
  sql(tx).enqueue`
    UPDATE payment_attempts SET lookups = lookups + 1, lookups_not_found = ${notFound}
    WHERE payment_id = ${attempt.payment_id} AND number = ${attempt.number}`;
}

/** Records when an open attempt is looked up next, by the customer's time. */
export async function updateNextLookup(
  on: Database | Transaction,
  paymentId: string,
  number: number,
  at: Date,
): Promise<void> {
  await sql(on).execute`
    UPDATE payment_attempts SET next_question_at = ${at}
    WHERE payment_id = ${paymentId} AND number = ${number} AND settled_at IS NULL`;
}

/** What a change of a payment alone writes; the version follows. */
type PaymentPatch = Pick<PaymentRow, 'status' | 'updated_at'> &
  Partial<Pick<PaymentRow, 'cancel_requested_at' | 'cancel_reason' | 'refunded_amount' | 'next_attempt_at'>>;

function enqueuePaymentPatch(tx: Transaction, payment: PaymentRow, patch: PaymentPatch): PaymentRow {
  const changed: PaymentRow = { ...payment, ...patch, version: payment.version + 1 };
  sql(tx).enqueue`
    UPDATE payments SET version = ${changed.version}, status = ${changed.status}, updated_at = ${changed.updated_at},
      cancel_requested_at = ${changed.cancel_requested_at}, cancel_reason = ${changed.cancel_reason},
      refunded_amount = ${changed.refunded_amount}, next_attempt_at = ${changed.next_attempt_at}
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

/** Marks a paid payment as disputed. */
export function enqueueDispute(tx: Transaction, payment: PaymentRow, now: Date): PaymentRow {
  return enqueuePaymentPatch(tx, payment, { status: 'disputed', next_attempt_at: null, updated_at: now });
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
> & { amount: number };

/** Writes a payment of its own. @returns the row, or the one that has the id already */
export async function insertManualPayment(
  tx: Transaction,
  payment: NewManualPayment,
  now: Date,
): Promise<PaymentRow> {
  const { id, customer_id, subscription_id, currency, amount, payment_method_id, reason } = payment;
  const [inserted] = await sql(tx).query<PaymentRow[]>`
    INSERT INTO payments (id, kind, status, announced, customer_id, subscription_id, currency, amount,
      payment_method_id, reason, created_at, updated_at)
    VALUES (${id}, 'manual', 'requested', true, ${customer_id}, ${subscription_id}, ${currency}, ${amount},
      ${payment_method_id}, ${reason}, ${now}, ${now})
    ON CONFLICT DO NOTHING
    RETURNING ${paymentColumns}`;
  // Only a statement of its own sees the row that another transaction has committed meanwhile.
  const row = inserted ?? (await findPayment(tx, id));
  if (row === null) throw new Error(`payment ${id} was neither written nor found`);
  return row;
}
