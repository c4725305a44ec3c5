/**
 * Gives up refunds that failed: what they had reserved is free again.
 *
 * Invariant: a failed refund keeps its money set aside until it is given up, once, or paid after all.
 */
import type { Actor } from '../../contracts/fields';
import type { Transaction } from '../../prisma/client';
import type { AttemptRow, PaymentRow, RefundRow } from '../rows';
import { findPayingAttempt } from './attempt-store';
import { enqueueReleased, findFailedRefunds, reservedAmountOf, reservedBefore } from './refund-store';
import { putBack, type OpenBooks } from './take-money';

/** Gives up all failed refunds of a payment. @param onReleased for each of them @returns its books afterwards */
export async function releaseFailed(
  tx: Transaction,
  open: OpenBooks,
  actor: Actor,
  onReleased: (refundId: string) => void = () => undefined,
): Promise<OpenBooks> {
  const { payment } = open.locked;
  let books = open;
  const failed = await findFailedRefunds(tx, payment.id);
  for (const [position, refund] of failed.entries()) {
    const transition = refund.transitions + 1;
    enqueueReleased(tx, refund, transition, open.books.times.realNow);
    onReleased(refund.id);
    // Older than the ledger: nothing was set aside.
    if (refund.taken === null) continue;
    const id = `${refund.id}/released/${transition}`;
    const cause = { id, kind: 'refund_released' as const, actor, paymentId: payment.id, refundId: refund.id };
    const { at = refund.created_at.toISOString(), ...parts } = refund.taken;
    const beyond = await beyondCharge(tx, payment, failed.slice(position));
    books = await putBack(tx, books, parts, { takenAt: at, beyond }, cause);
  }
  return books;
}

/** What has gone of a payment, with what these refunds have set aside of the same charge, beyond what was charged. */
async function beyondCharge(
  tx: Transaction,
  payment: PaymentRow,
  failed: readonly RefundRow[],
): Promise<number> {
  const attempt = await findPayingAttempt(tx, payment.id);
  const isOfCharge = ({ attempt: number, charge_reference: other }: RefundRow) =>
    attempt?.number === number && other === null;
  const [first] = failed;
  if (attempt === null || first === undefined || !isOfCharge(first)) return 0;
  const setAside = failed.filter(isOfCharge).reduce((sum, { amount }) => sum + Number(amount), 0);
  const gone = (await reservedAmountOf(tx, attempt)) + setAside + Number(payment.lost_amount);
  const beyond = Math.max(0, gone - Number(attempt.amount));
  return Math.max(0, beyond - (await ownBeyond(tx, attempt, first)));
}

/** What a refund itself went beyond the charge with: that was taken from nothing else. */
async function ownBeyond(tx: Transaction, attempt: AttemptRow, refund: RefundRow): Promise<number> {
  const before = await reservedBefore(tx, attempt, refund);
  const left = Math.max(0, Number(attempt.amount) - before);
  return Math.max(0, Number(refund.amount) - left);
}
