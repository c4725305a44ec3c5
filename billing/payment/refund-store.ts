/** Statements on refunds. The caller holds the lock of the refund's payment where it writes. */
import type { Actor } from '../../contracts/fields';
import { refundIdempotencyKey } from '../../domain/ids';
import type { Taken } from '../../domain/ledger/refund';
import type { RefundStatus } from '../../domain/payment/refund';
import type { Database, Transaction } from '../../prisma/client';
import { Prisma } from '../../prisma/generated/client';
import { sql } from '../../prisma/sql';
import type { Times } from '../clock';
import { refundColumns, type AttemptRow, type RefundRow } from '../rows';

/** Reads a refund. Null when there is none. */
export async function findRefund(on: Database | Transaction, refundId: string): Promise<RefundRow | null> {
  const [row] = await sql(on).query<RefundRow[]>`
    SELECT ${refundColumns} FROM refunds WHERE id = ${refundId}`;
  return row ?? null;
}

/** @throws Error when there is no such refund */
export async function refundOf(on: Database | Transaction, refundId: string): Promise<RefundRow> {
  const row = await findRefund(on, refundId);
  if (row === null) throw new Error(`refund ${refundId} does not exist`);
  return row;
}

/** Reads a refund of a payment by the provider's name of it, or by the key that it was asked for with. */
export async function findReportedRefund(
  tx: Transaction,
  paymentId: string,
  reference: string,
  idempotencyKey: string | null,
): Promise<RefundRow | null> {
  const [row] = await sql(tx).query<RefundRow[]>`
    SELECT ${refundColumns} FROM refunds WHERE payment_id = ${paymentId}
      AND (provider_reference = ${reference} OR idempotency_key = ${idempotencyKey})
    ORDER BY id LIMIT 1`;
  return row ?? null;
}

/** Why a refund is there that was made at the provider. */
export const madeAtProvider = 'made_at_provider';

/** Whether a refund was made at the provider, beside us. */
export function isMadeAtProvider({ reason, requested_by }: RefundRow): boolean {
  return reason === madeAtProvider && requested_by.kind === 'external';
}

/** Which refunds are of an attempt's own charge, not of one beside it. */
const isOfItsCharge = ({ payment_id: paymentId, number }: AttemptRow): Prisma.Sql =>
  Prisma.sql`payment_id = ${paymentId} AND attempt = ${number} AND charge_reference IS NULL`;

async function sumOf(tx: Transaction, which: Prisma.Sql): Promise<number> {
  const [{ amount }] = await sql(tx).query<[{ amount: bigint }]>`
    SELECT coalesce(sum(amount), 0)::bigint AS amount FROM refunds WHERE ${which}`;
  return Number(amount);
}

/** Adds up what is reserved or given back of an attempt's charge, in minor units. */
export function reservedAmountOf(tx: Transaction, attempt: AttemptRow): Promise<number> {
  return sumOf(tx, Prisma.sql`${isOfItsCharge(attempt)} AND status IN ('pending', 'succeeded')`);
}

/** Adds up what was given back of an attempt's charge, in minor units. */
export function refundedAmountOf(tx: Transaction, attempt: AttemptRow): Promise<number> {
  return sumOf(tx, Prisma.sql`${isOfItsCharge(attempt)} AND status = 'succeeded'`);
}

/** Adds up what refunds have taken of an attempt's charge and is not given up, in minor units. */
export function setAsideOf(tx: Transaction, attempt: AttemptRow): Promise<number> {
  return sumOf(tx, Prisma.sql`${isOfItsCharge(attempt)} AND released_at IS NULL`);
}

/** What was set aside of a charge before a refund, and is not given up, minor units. */
export function reservedBefore(
  tx: Transaction,
  attempt: AttemptRow,
  { id, created_at }: RefundRow,
): Promise<number> {
  const before = Prisma.sql`released_at IS NULL AND (created_at, id) < (${created_at}, ${id})`;
  return sumOf(tx, Prisma.sql`${isOfItsCharge(attempt)} AND ${before}`);
}

/** Reads the refunds that have taken of an attempt's charge and are not given up, the newest first. */
export async function findTakingRefunds(tx: Transaction, attempt: AttemptRow): Promise<RefundRow[]> {
  return sql(tx).query<RefundRow[]>`
    SELECT ${refundColumns} FROM refunds
    WHERE ${isOfItsCharge(attempt)} AND released_at IS NULL AND taken IS NOT NULL
    ORDER BY created_at DESC, id DESC`;
}

/** Of these payments, those with a refund that is not settled. */
export async function paymentsWithOpenRefund(
  tx: Transaction,
  paymentIds: readonly string[],
): Promise<string[]> {
  const rows = await sql(tx).query<{ payment_id: string }[]>`
    SELECT DISTINCT payment_id FROM refunds WHERE payment_id = ANY(${paymentIds}) AND settled_at IS NULL`;
  return rows.map(({ payment_id }) => payment_id);
}

/** Reads all refunds of a customer's payments, in the order in which they were asked for. */
export async function findRefundsOfCustomer(tx: Transaction, customerId: string): Promise<RefundRow[]> {
  return sql(tx).query<RefundRow[]>`
    SELECT ${refundColumns} FROM refunds
    WHERE payment_id IN (SELECT id FROM payments WHERE customer_id = ${customerId})
    ORDER BY created_at, id`;
}

/** Of these refunds, the payments of those that are there. */
export async function paymentsOfRefunds(tx: Transaction, refundIds: readonly string[]): Promise<string[]> {
  const rows = await sql(tx).query<{ payment_id: string }[]>`
    SELECT payment_id FROM refunds WHERE id = ANY(${refundIds})`;
  return rows.map(({ payment_id }) => payment_id);
}

export interface NewRefund {
  id: string;
  /** The charge that is given back. */
  attempt: AttemptRow;
  /** Minor units. */
  amount: number;
  reason: string;
  actor: Actor;
  /** From which accounts it was taken; `beyond` left out: nothing was beyond the charge. */
  taken: Omit<Taken, 'at'>;
  /** The charge that is given back where the attempt has more than one; left out: the attempt's own. */
  chargeReference?: string | undefined;
}

/** Writes a refund that was decided; there already: nothing happens. @returns the row as it is written */
export function enqueueRefund(tx: Transaction, refund: NewRefund, { now, realNow }: Times): RefundRow {
  const { id, attempt, amount, reason, actor, chargeReference = null } = refund;
  const taken: Taken = { beyond: 0, ...refund.taken, at: now.toISOString() };
  const row: RefundRow = {
    id,
    payment_id: attempt.payment_id,
    attempt: attempt.number,
    amount: BigInt(amount),
    currency: attempt.currency,
    status: 'pending',
    reason,
    idempotency_key: refundIdempotencyKey(attempt.payment_id, id),
    provider_reference: null,
    failure_reason: null,
    requested_by: actor,
    at: now,
    created_at: realNow,
    settled_at: null,
    released_at: null,
    taken,
    charge_reference: chargeReference,
    transitions: 0,
  };
  sql(tx).enqueue`
    INSERT INTO refunds (id, payment_id, attempt, amount, currency, status, reason, idempotency_key, requested_by,
      at, created_at, taken, charge_reference)
    VALUES (${id}, ${row.payment_id}, ${row.attempt}, ${row.amount}, ${row.currency}, ${row.status}, ${reason},
      ${row.idempotency_key}, ${JSON.stringify(actor)}::jsonb, ${now}, ${realNow},
      ${JSON.stringify(taken)}::jsonb, ${chargeReference})
    ON CONFLICT DO NOTHING`;
  return row;
}

/** What a provider's answer changes of a refund. */
export interface RefundPatch {
  status: RefundStatus;
  provider_reference: string | null;
  failure_reason: string | null;
  settled_at: Date | null;
  released_at: Date | null;
  transitions: number;
}

/** Writes what a provider's answer changes of a refund. @returns the row as it stands then */
export function enqueueRefundOutcome(tx: Transaction, refund: RefundRow, patch: RefundPatch): RefundRow {
  sql(tx).enqueue`
    UPDATE refunds SET status = ${patch.status}, provider_reference = ${patch.provider_reference},
      failure_reason = ${patch.failure_reason}, settled_at = ${patch.settled_at},
      released_at = ${patch.released_at}, transitions = ${patch.transitions}
    WHERE id = ${refund.id}`;
  return { ...refund, ...patch };
}

/** Writes from which accounts a refund has taken its money by now. */
export function enqueueTaken(tx: Transaction, refundId: string, taken: Taken): void {
  sql(tx).enqueue`UPDATE refunds SET taken = ${JSON.stringify(taken)}::jsonb WHERE id = ${refundId}`;
}

/** Reads the refunds of a payment that failed and keep their money set aside. */
export async function findFailedRefunds(tx: Transaction, paymentId: string): Promise<RefundRow[]> {
  return sql(tx).query<RefundRow[]>`
    SELECT ${refundColumns} FROM refunds WHERE payment_id = ${paymentId} AND status = 'failed' AND released_at IS NULL
    ORDER BY created_at, id`;
}

/** The payments of a subscription that have a failed refund whose money is set aside. */
export async function findPaymentsOfFailedRefunds(
  tx: Transaction,
  subscriptionId: string,
): Promise<string[]> {
  const rows = await sql(tx).query<{ payment_id: string }[]>`
    SELECT DISTINCT payment_id FROM refunds JOIN payments ON payments.id = refunds.payment_id
    WHERE payments.subscription_id = ${subscriptionId} AND refunds.status = 'failed' AND released_at IS NULL`;
  return rows.map(({ payment_id }) => payment_id);
}

/** Records that a failed refund was given up. */
export function enqueueReleased(tx: Transaction, refund: RefundRow, transitions: number, now: Date): void {
  sql(tx).enqueue`
    UPDATE refunds SET released_at = ${now}, transitions = ${transitions} WHERE id = ${refund.id}`;
}
