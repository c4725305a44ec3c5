/**
 * Promising money back: the refund's row, written before any provider is asked.
 *
 * Invariants: under the payment's lock, what is pending and what went back already is never more than the charge; the
 * same id again finds the refund that it made.
 */
import type { Actor } from '../../contracts/fields';
import { refundIdempotencyKey, unwantedChargeRefundId } from '../../domain/ids';
import { decideRefund, type RefundRefusal } from '../../domain/payment/refund';
import { databaseNow, type Transaction } from '../../prisma/client';
import { lockPaymentInOrder } from '../locks';
import { attemptRow, refundRow, type AttemptRow, type RefundRow } from '../rows';

export interface RefundOrder {
  refund_id: string;
  payment_id: string;
  /** Minor units; null: all that is left. */
  amount: number | null;
  reason: string;
  actor: Actor;
}

export type Reservation =
  { kind: 'reserved'; refund: RefundRow } | { kind: 'refused'; reason: RefundRefusal };

/** Reserves a refund of what the payment took. @throws when there is no such payment */
export async function reserveRefund(tx: Transaction, order: RefundOrder): Promise<Reservation> {
  const { payment } = await lockPaymentInOrder(tx, order.payment_id);
  const existing = await tx.refund.findUnique({ where: { id: order.refund_id } });
  if (existing !== null) return { kind: 'reserved', refund: refundRow(existing) };
  const attempt = await payingAttempt(tx, payment.id);
  if (attempt === null) return { kind: 'refused', reason: 'not_paid' };
  const charge = { status: payment.status, amount: Number(attempt.amount) };
  const decision = decideRefund(charge, await reservedAmount(tx, attempt), order.amount);
  if (decision.kind === 'refused') return decision;
  const { amount } = decision;
  const { refund_id: id, reason, actor } = order;
  await insertRefund(tx, { id, attempt, amount, reason, actor }, await databaseNow(tx));
  return { kind: 'reserved', refund: refundRow(await tx.refund.findUniqueOrThrow({ where: { id } })) };
}

/**
 * Reserves all that is left of a payment that should not have been taken; `payment/{id}` pays it out once it is told to
 * look. Whoever finds it unwanted, and however often, it is one refund.
 */
export async function reserveUnwanted(
  tx: Transaction,
  paymentId: string,
  reason: string,
): Promise<Reservation> {
  const attempt = await payingAttempt(tx, paymentId);
  if (attempt === null) return { kind: 'refused', reason: 'not_paid' };
  return reserveRefund(tx, {
    refund_id: unwantedChargeRefundId(paymentId, attempt.number),
    payment_id: paymentId,
    amount: null,
    reason,
    actor: { kind: 'system', id: 'payment-service', reason: null },
  });
}

/** The attempt whose charge paid the payment; a later success is no part of it and is given back apart. */
export async function payingAttempt(tx: Transaction, paymentId: string): Promise<AttemptRow | null> {
  const row = await tx.paymentAttempt.findFirst({
    where: { payment_id: paymentId, status: 'completed' },
    orderBy: [{ settled_at: 'asc' }, { number: 'asc' }],
  });
  return row === null ? null : attemptRow(row);
}

async function reservedAmount(tx: Transaction, attempt: AttemptRow): Promise<number> {
  const { _sum } = await tx.refund.aggregate({
    where: {
      payment_id: attempt.payment_id,
      attempt: attempt.number,
      status: { in: ['pending', 'succeeded'] },
    },
    _sum: { amount: true },
  });
  return Number(_sum.amount ?? 0);
}

/** The row of a refund that was decided; there already: nothing happens. */
export async function insertRefund(
  tx: Transaction,
  refund: { id: string; attempt: AttemptRow; amount: number; reason: string; actor: Actor },
  now: Date,
): Promise<void> {
  const { id, attempt, amount, reason, actor } = refund;
  const row = {
    id,
    payment_id: attempt.payment_id,
    attempt: attempt.number,
    amount,
    currency: attempt.currency,
    reason,
    idempotency_key: refundIdempotencyKey(attempt.payment_id, id),
    requested_by: actor,
    created_at: now,
  };
  await tx.refund.createMany({ data: [row], skipDuplicates: true });
}
