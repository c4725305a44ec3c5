/**
 * Reserves money to be given back: the refund's row, written before any provider is asked.
 *
 * Invariants: under the payment's lock, what is pending and what went back already is never more than the charge; the
 * same id again finds the refund that was reserved; what an earlier refund could not give back is free again first.
 */
import type { Actor } from '../../contracts/fields';
import type { NamedMoney } from '../../contracts/problems';
import { decideRefund, type RefundRefusal } from '../../domain/payment/refund';
import { isFinal } from '../../domain/subscription/subscription';
import type { Transaction } from '../../prisma/client';
import { lockPaymentWithSubscription, type LockedPayment } from '../locks';
import type { RefundRow } from '../rows';
import { booksOf } from './books';
import { enqueueRefund, findRefund } from './refund-store';
import { findPayingAttempt } from './attempt-store';
import { isDisputed, leftNow } from './refundable';
import { enqueueGivenBack } from './received-charge';
import { isOfCharge, releaseFailed } from './release-refund';
import { openBooks, takeForRefund } from './take-money';
import { enqueueUnapplied } from '../ledger/state-store';

export interface RefundOrder {
  refund_id: string;
  payment_id: string;
  /** Minor units; null: all that is left. */
  amount: number | null;
  reason: string;
  actor: Actor;
}

export type Reservation = { kind: 'reserved'; refund: RefundRow } | RefusedRefund;

export interface RefusedRefund {
  kind: 'refused';
  reason: RefundRefusal;
  /** What is left to give back of the payment. */
  left: NamedMoney;
}

/** Reserves a refund of what the payment took. @throws when there is no such payment */
export async function reserveRefund(tx: Transaction, order: RefundOrder): Promise<Reservation> {
  const locked = await lockPaymentWithSubscription(tx, order.payment_id);
  const { payment } = locked;
  const [existing, attempt] = await Promise.all([
    findRefund(tx, order.refund_id),
    findPayingAttempt(tx, payment.id),
  ]);
  if (existing !== null) return { kind: 'reserved', refund: existing };
  const { currency } = payment;
  if (attempt === null) return { kind: 'refused', reason: 'not_paid', left: { amount: 0, currency } };
  const left = await leftNow(tx, payment, attempt);
  const decision = decideRefund(payment.status, left, order.amount);
  if (decision.kind === 'refused') return { ...decision, left: { amount: left, currency } };
  const { refund_id: id, reason, actor } = order;
  const again = { actor, reason: `refunded again as ${id}` };
  const open = await releaseFailed(tx, await openBooks(tx, locked), again, isOfCharge(attempt), attempt);
  const cause = { kind: 'refund_reserved' as const, actor, paymentId: payment.id, refundId: id };
  const { parts } = await takeForRefund(tx, open, decision.amount, {
    ...cause,
    id: `${id}/reserved`,
    reason,
  });
  const ordered = { id, attempt, amount: decision.amount, reason, actor, taken: parts };
  return { kind: 'reserved', refund: enqueueRefund(tx, ordered, open.books.times) };
}

/**
 * Reserves all of a payment that was collected and is wanted for nothing; `payment/{id}` pays it out once it is
 * signalled. However often it is found unwanted, it is one refund. While a dispute is open the bank decides
 * where the money goes: it stays unapplied until then (`record-dispute.ts`). The payment's lock is held; the
 * state of its subscription is not touched.
 */
export async function reserveUnwanted(tx: Transaction, locked: LockedPayment, reason: string): Promise<void> {
  const { payment } = locked;
  const amount = Number(payment.unapplied_amount);
  if (amount === 0 || isDisputed(payment)) return;
  const attempt = await findPayingAttempt(tx, payment.id);
  if (attempt === null) return;
  enqueueGivenBack(tx, payment, attempt, { amount, reason }, await booksOf(tx, locked));
  enqueueUnapplied(tx, payment.id, 0);
}

/**
 * Why nobody wants what a payment still has unapplied once it was disputed; null: its subscription does. A change that
 * was not applied before the dispute is overtaken: its entries have moved the revision that the change was reckoned with.
 */
export function unwantedAfterDispute({ payment, subscription }: LockedPayment): string | null {
  if (payment.kind === 'manual' || subscription === null) return null;
  if (isFinal(subscription.status)) return 'subscription_final';
  return payment.kind === 'proration' ? 'change_overtaken' : null;
}
