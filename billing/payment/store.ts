/**
 * An attempt's row and what it makes of its payment's, written in one statement.
 *
 * Both are locked by the caller; what is returned is what stands then.
 */
import type { AttemptTrigger } from '../../domain/payment/payment';
import type { Transaction } from '../../prisma/client';
import { sql } from '../../prisma/sql';
import { settingsOf } from '../../prisma/columns';
import { Prisma } from '../../prisma/generated/client';
import { attemptColumns, type AttemptRow, type PaymentMethodRow, type PaymentRow } from '../rows';

export interface NewAttempt {
  number: number;
  idempotencyKey: string;
  trigger: AttemptTrigger;
  onSession: boolean;
  /** Null: there is nothing to charge. */
  method: Pick<PaymentMethodRow, 'id' | 'provider'> | null;
}

/** A payment's attempts, oldest first. */
export function attemptsOf(tx: Transaction, paymentId: string): Promise<AttemptRow[]> {
  return sql(tx).query<AttemptRow[]>`
    SELECT ${attemptColumns} FROM payment_attempts WHERE payment_id = ${paymentId} ORDER BY number`;
}

/** @throws Error when there is no such attempt: nobody can learn about what was never begun */
export async function attemptOf(tx: Transaction, paymentId: string, number: number): Promise<AttemptRow> {
  const [row] = await sql(tx).query<AttemptRow[]>`
    SELECT ${attemptColumns} FROM payment_attempts WHERE payment_id = ${paymentId} AND number = ${number}`;
  if (row === undefined) throw new Error(`attempt ${number} of ${paymentId} does not exist`);
  return row;
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

/** What an outcome changes of an attempt; what is undefined stays as it is. */
export type AttemptChange = Partial<Omit<AttemptRow, 'payment_id' | 'number'>>;
/** What it changes of the payment; the version follows. */
export type PaymentChange = Partial<Omit<PaymentRow, 'id' | 'version'>>;

/** @param ofPayment null: the payment stays as it is */
export function updateAttempt(
  tx: Transaction,
  { attempt, payment }: { attempt: AttemptRow; payment: PaymentRow },
  ofAttempt: AttemptChange,
  ofPayment: PaymentChange | null,
): { attempt: AttemptRow; payment: PaymentRow } {
  const update = Prisma.sql`UPDATE payment_attempts SET ${settingsOf(ofAttempt, ['failure'])}
    WHERE payment_id = ${payment.id} AND number = ${attempt.number}`;
  const saved = { ...attempt, ...withoutUndefined(ofAttempt) };
  if (ofPayment === null) {
    sql(tx).enqueue(update);
    return { attempt: saved, payment };
  }
  const changed = { ...ofPayment, version: payment.version + 1 };
  sql(tx).enqueue`
    WITH attempted AS (${update})
    UPDATE payments SET ${settingsOf(changed, ['next_action'])} WHERE id = ${payment.id}`;
  return { attempt: saved, payment: { ...payment, ...withoutUndefined(changed) } };
}

function withoutUndefined<T extends object>(columns: T): T {
  return Object.fromEntries(Object.entries(columns).filter(([, value]) => value !== undefined)) as T;
}
