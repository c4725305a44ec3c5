/**
 * Gives up refunds that failed: what they had reserved is free again.
 *
 * Invariant: a failed refund keeps its money set aside until it is given up, once, or paid after all.
 */
import type { Actor } from '../../contracts/fields';
import type { LedgerState } from '../../domain/ledger/state';
import type { Transaction } from '../../prisma/client';
import { enqueueAnsweredTask } from '../operator-tasks';
import { lockPayments } from '../locks';
import type { AttemptRow, RefundRow, SubscriptionRow } from '../rows';
import { booksOf } from './books';
import { findPayingAttempt } from './attempt-store';
import { enqueueReleased, findFailedRefunds, findPaymentsOfFailedRefunds } from './refund-store';
import { shareRefund } from './shared-charge';
import { putBackRefund, type OpenBooks } from './take-money';

/** Which failed refunds are given up. */
export type ReleaseFilter = (refund: RefundRow) => boolean;

/** A refund of the charge that paid, not of one beside it. */
export function isOfCharge(attempt: Pick<AttemptRow, 'number'> | null): ReleaseFilter {
  return ({ attempt: number, charge_reference: other }) => attempt?.number === number && other === null;
}

/**
 * Gives up failed refunds of a payment, and answers the tasks that ask about them.
 * @param paying whose charge paid it; left out: it is read
 * @returns the payment's books afterwards
 */
export async function releaseFailed(
  tx: Transaction,
  open: OpenBooks,
  given: { actor: Actor; reason: string },
  isMeant: ReleaseFilter,
  paying?: AttemptRow | null,
): Promise<OpenBooks> {
  const { payment } = open.locked;
  const { realNow } = open.books.times;
  const failed = async () => (await findFailedRefunds(tx, payment.id)).find(isMeant);
  let refund = await failed();
  if (refund === undefined) return open;
  const attempt = paying === undefined ? await findPayingAttempt(tx, payment.id) : paying;
  const isCharge = isOfCharge(attempt);
  let books = open;
  // Each is read when its turn comes: what one gives up may have been taken by the next instead.
  for (; refund !== undefined; refund = await failed()) {
    const transition = refund.transitions + 1;
    const { id, taken } = refund;
    const isShared = attempt !== null && taken !== null && isCharge(refund);
    const shared = isShared
      ? await shareRefund(tx, payment, attempt, { ...refund, taken })
      : { taken, gone: [] };
    enqueueReleased(tx, refund, transition, realNow);
    enqueueAnsweredTask(tx, 'refund_failed', { type: 'refund', id }, given, realNow);
    // Older than the ledger: nothing was set aside.
    if (shared.taken === null) continue;
    const { actor } = given;
    const cause = { kind: 'refund_released' as const, actor, paymentId: payment.id, refundId: id };
    const { at: takenAt = refund.created_at.toISOString(), ...parts } = shared.taken;
    const back = { takenAt, gone: shared.gone };
    books = await putBackRefund(tx, books, parts, back, { ...cause, id: `${id}/released/${transition}` });
  }
  return books;
}

/**
 * Gives up the failed refunds of all payments of a subscription, whose lock is held: an end counts their money anew.
 * @returns the subscription's state afterwards
 */
export async function releaseFailedOf(
  tx: Transaction,
  subscription: SubscriptionRow,
  state: LedgerState,
  given: { actor: Actor; reason: string },
  realNow: Date,
): Promise<LedgerState> {
  let after = state;
  const paymentIds = await findPaymentsOfFailedRefunds(tx, subscription.id);
  for (const payment of await lockPayments(tx, subscription.id, paymentIds)) {
    if (payment.kind === 'manual') continue;
    const locked = { payment, subscription, realNow };
    const open = { locked, books: await booksOf(tx, locked), state: after };
    const paying = await findPayingAttempt(tx, payment.id);
    after = (await releaseFailed(tx, open, given, isOfCharge(paying), paying)).state;
  }
  return after;
}
