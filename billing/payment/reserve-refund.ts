/**
 * Reserves money to be given back: the refund's row, written before any provider is asked.
 *
 * Invariants: under the payment's lock, what is pending and what went back already is never more than the charge; the
 * same id again finds the refund that was reserved.
 */
import type { Actor } from '../../contracts/fields';
import { unwantedChargeRefundId } from '../../domain/ids';
import { decideRefund, type RefundRefusal } from '../../domain/payment/refund';
import type { Transaction } from '../../prisma/client';
import { lockPaymentInOrder } from '../locks';
import type { RefundRow } from '../rows';
import { enqueueRefund, findRefund, reservedAmountOf } from './refund-store';
import { findPayingAttempt } from './attempt-store';

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
  const { payment, realNow } = await lockPaymentInOrder(tx, order.payment_id);
  const [existing, attempt] = await Promise.all([
    findRefund(tx, order.refund_id),
    findPayingAttempt(tx, payment.id),
  ]);
  if (existing !== null) return { kind: 'reserved', refund: existing };
  if (attempt === null) return { kind: 'refused', reason: 'not_paid' };
  const charge = { status: payment.status, amount: Number(attempt.amount) };
  const decision = decideRefund(charge, await reservedAmountOf(tx, attempt), order.amount);
  if (decision.kind === 'refused') return decision;
  const { refund_id: id, reason, actor } = order;
  const refund = enqueueRefund(tx, { id, attempt, amount: decision.amount, reason, actor }, realNow);
  return { kind: 'reserved', refund };
}

/**
 * Reserves all that is left of a payment that should not have been taken; `payment/{id}` pays it out once it is
 * signalled. Whoever finds it unwanted, and however often, it is one refund.
 */
export async function reserveUnwanted(
  tx: Transaction,
  paymentId: string,
  reason: string,
): Promise<Reservation> {
  const attempt = await findPayingAttempt(tx, paymentId);
  if (attempt === null) return { kind: 'refused', reason: 'not_paid' };
  return reserveRefund(tx, {
    refund_id: unwantedChargeRefundId(paymentId, attempt.number),
    payment_id: paymentId,
    amount: null,
    reason,
    actor: { kind: 'system', id: 'payment-service', reason: null },
  });
}
