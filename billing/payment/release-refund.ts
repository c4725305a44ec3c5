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
import type { AttemptRow, PaymentRow, RefundRow, SubscriptionRow } from '../rows';
import { booksOf } from './books';
import { findPayingAttempt } from './attempt-store';
import {
  enqueueReleased,
  findFailedRefunds,
  findPaymentsOfFailedRefunds,
  reservedAmountOf,
  reservedBefore,
} from './refund-store';
import { putBackRefund, type OpenBooks } from './take-money';

/** Which failed refunds are given up. */
export type ReleaseFilter = (refund: RefundRow) => boolean;

/** A refund of the charge that paid, not of one beside it. */
export function isOfCharge(attempt: Pick<AttemptRow, 'number'> | null): ReleaseFilter {
  return ({ attempt: number, charge_reference: other }) => attempt?.number === number && other === null;
}

/**
 * Gives up failed refunds of a payment, and answers the tasks that ask about them.
 * @returns the payment's books afterwards
 */
export async function releaseFailed(
  tx: Transaction,
  open: OpenBooks,
  given: { actor: Actor; reason: string },
  isMeant: ReleaseFilter,
): Promise<OpenBooks> {
  const { payment } = open.locked;
  const { realNow } = open.books.times;
  let books = open;
  let setAside = await findFailedRefunds(tx, payment.id);
  for (const refund of setAside.filter(isMeant)) {
    const transition = refund.transitions + 1;
    enqueueReleased(tx, refund, transition, realNow);
    enqueueAnsweredTask(tx, 'refund_failed', { type: 'refund', id: refund.id }, given, realNow);
    const beyond = await beyondCharge(tx, payment, refund, setAside);
    setAside = setAside.filter(({ id }) => id !== refund.id);
    // Older than the ledger: nothing was set aside.
    if (refund.taken === null) continue;
    const id = `${refund.id}/released/${transition}`;
    const { actor } = given;
    const cause = { id, kind: 'refund_released' as const, actor, paymentId: payment.id, refundId: refund.id };
    const { at = refund.created_at.toISOString(), ...parts } = refund.taken;
    books = await putBackRefund(tx, books, parts, { takenAt: at, beyond }, cause);
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
    const attempt = await findPayingAttempt(tx, payment.id);
    after = (await releaseFailed(tx, open, given, isOfCharge(attempt))).state;
  }
  return after;
}

/** What has gone of a payment, with what these refunds have set aside of the same charge, beyond what was charged. */
async function beyondCharge(
  tx: Transaction,
  payment: PaymentRow,
  refund: RefundRow,
  failed: readonly RefundRow[],
): Promise<number> {
  const attempt = await findPayingAttempt(tx, payment.id);
  const isCharge = isOfCharge(attempt);
  if (attempt === null || !isCharge(refund)) return 0;
  const setAside = failed.filter(isCharge).reduce((sum, { amount }) => sum + Number(amount), 0);
  const gone = (await reservedAmountOf(tx, attempt)) + setAside + Number(payment.lost_amount);
  const beyond = Math.max(0, gone - Number(attempt.amount));
  return Math.max(0, beyond - (await ownBeyond(tx, attempt, refund)));
}

/** What a refund itself went beyond the charge with: that was taken from nothing else. */
async function ownBeyond(tx: Transaction, attempt: AttemptRow, refund: RefundRow): Promise<number> {
  const before = await reservedBefore(tx, attempt, refund);
  const left = Math.max(0, Number(attempt.amount) - before);
  return Math.max(0, Number(refund.amount) - left);
}
