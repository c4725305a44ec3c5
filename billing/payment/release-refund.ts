/**
 * Gives up refunds that failed: what they had reserved is free again.
 *
 * Invariant: a failed refund keeps its money set aside until it is given up, once, or paid after all.
 */
import type { Actor } from '../../contracts/fields';
import type { Transaction } from '../../prisma/client';
import { enqueueReleased, findFailedRefunds } from './refund-store';
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
  for (const refund of await findFailedRefunds(tx, payment.id)) {
    const transition = refund.transitions + 1;
    enqueueReleased(tx, refund, transition, open.books.times.realNow);
    onReleased(refund.id);
    // Older than the ledger: nothing was set aside.
    if (refund.taken === null) continue;
    const id = `${refund.id}/released/${transition}`;
    const cause = { id, kind: 'refund_released' as const, actor, paymentId: payment.id, refundId: refund.id };
    const { at = refund.created_at.toISOString(), ...parts } = refund.taken;
    books = await putBack(tx, books, parts, at, cause);
  }
  return books;
}
