/**
 * Statements on attempts, with what they change of their payment in the same statement. The caller holds the payment's
 * lock where it writes.
 *
 * Writes return what stands afterwards, so that nobody reads it again.
 */
import type { AttemptTrigger, NamedCharge } from '../../domain/payment/payment';
import type { SettlementDecision } from '../../domain/payment/settlement';
import type { Database, Transaction } from '../../prisma/client';
import { sql } from '../../prisma/sql';
import { Prisma } from '../../prisma/generated/client';
import type { TraceContext } from '../../domain/trace';
import type { Times } from '../clock';
import { attemptColumns, type AttemptRow, type PaymentMethodRow, type PaymentRow } from '../rows';

export interface NewAttempt {
  number: number;
  idempotencyKey: string;
  trigger: AttemptTrigger;
  onSession: boolean;
  /** Null: there is nothing to charge. */
  method: Pick<PaymentMethodRow, 'id' | 'provider'> | null;
  trace: TraceContext;
  /** The renewal run that begins it; null: none. */
  renewalRunId: string | null;
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

/** Reads the latest attempt. Null when none began. */
export async function findLatestAttempt(
  on: Database | Transaction,
  paymentId: string,
): Promise<AttemptRow | null> {
  const [row] = await sql(on).query<AttemptRow[]>`
    SELECT ${attemptColumns} FROM payment_attempts WHERE payment_id = ${paymentId} ORDER BY number DESC LIMIT 1`;
  return row ?? null;
}

/**
 * Reads the attempt whose charge paid the payment; a later success is no part of it and is given back apart. The first
 * is the one that the ledger has first: instants of a test clock do not tell two apart. What is older than the ledger
 * came before.
 */
export async function findPayingAttempt(tx: Transaction, paymentId: string): Promise<AttemptRow | null> {
  const [row] = await sql(tx).query<AttemptRow[]>`
    SELECT ${attemptColumns} FROM payment_attempts
    WHERE payment_id = ${paymentId} AND status = 'completed'
    ORDER BY (SELECT seq FROM ledger_transactions
        WHERE id = payment_attempts.payment_id || '/collected/' || payment_attempts.number) NULLS FIRST,
      settled_at, ${isGivenBack}, number LIMIT 1`;
  return row ?? null;
}

/** Whether an attempt's charge went back because another one had paid. */
const isGivenBack = Prisma.sql`EXISTS (SELECT FROM refunds
  WHERE refunds.payment_id = payment_attempts.payment_id AND refunds.attempt = payment_attempts.number
    AND refunds.charge_reference IS NULL AND refunds.reason = 'second_success')`;

/** Reads the attempt that has the provider's charge of this name. Null when there is none. */
export async function findCharged(
  tx: Transaction,
  paymentId: string,
  provider: string,
  reference: string,
): Promise<AttemptRow | null> {
  const [row] = await sql(tx).query<AttemptRow[]>`
    SELECT ${attemptColumns} FROM payment_attempts
    WHERE payment_id = ${paymentId} AND provider = ${provider} AND provider_reference = ${reference} LIMIT 1`;
  return row ?? null;
}

/** Finds the payment that has the provider's charge of this name. Null when none has. */
export async function findPaymentOfCharge(
  on: Database | Transaction,
  provider: string,
  reference: string,
): Promise<string | null> {
  const [row] = await sql(on).query<{ payment_id: string }[]>`
    SELECT payment_id FROM payment_attempts
    WHERE provider = ${provider} AND provider_reference = ${reference} ORDER BY started_at LIMIT 1`;
  return row?.payment_id ?? null;
}

/** What of a payment its attempts need. */
export type AttemptedPayment = Pick<
  PaymentRow,
  'id' | 'kind' | 'customer_id' | 'subscription_id' | 'amount' | 'currency' | 'trace'
>;

/** Begins an attempt: the payment is in processing from now on (PostgreSQL's time). */
export async function insertAttempt(
  tx: Transaction,
  payment: AttemptedPayment,
  attempt: NewAttempt,
): Promise<AttemptRow> {
  const { method } = attempt;
  // Cut to what Date holds: a column of milliseconds rounds up, past a transaction that waited for this one.
  const [row] = await sql(tx).query<[AttemptRow]>`
    WITH moment AS MATERIALIZED (SELECT date_trunc('milliseconds', clock_timestamp()) AS now),
    paying AS (
      UPDATE payments SET version = version + 1, status = 'processing', updated_at = moment.now,
        provider = coalesce(${method?.provider ?? null}, provider),
        payment_method_id = coalesce(${method?.id ?? null}, payment_method_id),
        renewal_run_id = coalesce(${attempt.renewalRunId}, renewal_run_id),
        trace = ${JSON.stringify(attempt.trace)}::jsonb
      FROM moment WHERE id = ${payment.id}
    )
    ${attemptInsertion(payment, attempt)} FROM moment
    RETURNING ${attemptColumns}`;
  return row;
}

/** An INSERT that ends with its SELECT's list; it needs a FROM with `moment`, whose `now` is when the attempt begins. */
export function attemptInsertion(
  payment: AttemptedPayment,
  { number, idempotencyKey, trigger, onSession, method, trace }: NewAttempt,
): Prisma.Sql {
  return Prisma.sql`
    INSERT INTO payment_attempts (payment_id, number, idempotency_key, trigger, on_session, provider,
      payment_method_id, amount, currency, status, trace, started_at, began_at)
    SELECT ${payment.id}, ${number}, ${idempotencyKey}, ${trigger}, ${onSession}, ${method?.provider ?? null},
      ${method?.id ?? null}, ${payment.amount}, ${payment.currency}, 'processing',
      ${JSON.stringify(trace)}::jsonb, moment.now, coalesce((
        SELECT k.now FROM customers c JOIN test_clocks k ON k.id = c.test_clock_id
        WHERE c.id = ${payment.customer_id}), moment.now)`;
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
    settled_recorded_at: columns.settled_by === null ? null : realNow,
    // A lookup that finds nothing proves something only some time after the last call ended.
    last_call_ended_at: callEnded ? realNow : attempt.last_call_ended_at,
  };
  const attemptUpdate = Prisma.sql`
    UPDATE payment_attempts SET status = ${settled.status}, provider_reference = ${settled.provider_reference},
      failure = ${jsonOrNull(settled.failure)}::jsonb, settled_by = ${settled.settled_by},
      settled_at = ${settled.settled_at}, settled_recorded_at = ${settled.settled_recorded_at},
      last_call_ended_at = ${settled.last_call_ended_at}, trace = ${jsonOrNull(settled.trace)}::jsonb
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
      next_notice_at = ${changed.next_notice_at}, updated_at = ${changed.updated_at},
      trace = ${jsonOrNull(changed.trace)}::jsonb
    WHERE id = ${payment.id}`;
  return { attempt: settled, payment: changed };
}

function jsonOrNull(value: object | null): string | null {
  return value === null ? null : JSON.stringify(value);
}

/** Records the provider's name of a charge that a person had found out. */
export function enqueueReference(tx: Transaction, attempt: AttemptRow, reference: string): void {
  sql(tx).enqueue`
    UPDATE payment_attempts SET provider_reference = ${reference}
    WHERE payment_id = ${attempt.payment_id} AND number = ${attempt.number} AND provider_reference IS NULL`;
}

/** Records what the provider names as charged in place of what was asked for. */
export function enqueueNamed(
  tx: Transaction,
  attempt: AttemptRow,
  { amount, currency, provider_reference }: NamedCharge,
): void {
  sql(tx).enqueue`
    UPDATE payment_attempts SET named = ${JSON.stringify({ amount, currency })}::jsonb,
      provider_reference = coalesce(provider_reference, ${provider_reference})
    WHERE payment_id = ${attempt.payment_id} AND number = ${attempt.number}`;
}

/** Records when a call of the provider ended that said nothing. */
export function enqueueCallEnded(tx: Transaction, attempt: AttemptRow, realNow: Date): AttemptRow {
  sql(tx).enqueue`
    UPDATE payment_attempts SET last_call_ended_at = ${realNow}
    WHERE payment_id = ${attempt.payment_id} AND number = ${attempt.number}`;
  return { ...attempt, last_call_ended_at: realNow };
}

/** A lookup, by the customer's time. */
export interface RecordedLookup {
  openSince: Date;
  lookedUpAt: Date;
  /** Lookups in a row that found nothing and count. */
  notFound: number;
}

/** Records a lookup. */
export function enqueueLookup(
  tx: Transaction,
  attempt: AttemptRow,
  { openSince, lookedUpAt, notFound }: RecordedLookup,
): void {
  sql(tx).enqueue`
    UPDATE payment_attempts SET lookups = lookups + 1, lookups_not_found = ${notFound}, open_since = ${openSince},
      looked_up_at = ${lookedUpAt}
    WHERE payment_id = ${attempt.payment_id} AND number = ${attempt.number}`;
}

/** Records how many lookups in a row found nothing and count. */
export function enqueueNotFound(tx: Transaction, attempt: AttemptRow, notFound: number): void {
  sql(tx).enqueue`
    UPDATE payment_attempts SET lookups_not_found = ${notFound}
    WHERE payment_id = ${attempt.payment_id} AND number = ${attempt.number}`;
}

/** Records that the provider was asked to cancel an open attempt. @param at by the customer's time */
export function enqueueCancelAsked(tx: Transaction, attempt: AttemptRow, at: Date): void {
  sql(tx).enqueue`
    UPDATE payment_attempts SET cancel_asked_at = ${at}
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
