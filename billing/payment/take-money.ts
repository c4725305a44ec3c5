/**
 * Moves money of a payment out of its books and back: reservations of refunds, what is given up of them, disputes.
 *
 * The caller holds the locks of the subscription, for a change, and of the payment. Invariant: the customer's credit is
 * locked after both.
 */
import {
  loseDispute,
  regainDispute,
  releaseRefund,
  reserveRefund,
  type GoneElsewhere,
  type MoneyBack,
  type MoneyReturn,
  type ReleasedRefund,
  type TakenBack,
  type TakenParts,
} from '../../domain/ledger/refund';
import type { LedgerState } from '../../domain/ledger/state';
import { removeCredit } from '../../domain/ledger/credit';
import { isFinal } from '../../domain/subscription/subscription';
import type { Transaction } from '../../prisma/client';
import { addCustomerCredit } from '../ledger/credit';
import { enqueueCustomerBalance } from '../ledger/ledger-store';
import type { Cause } from '../ledger/post';
import { enqueueUnapplied } from '../ledger/state-store';
import { lockCustomerBalance, lockPayment, type LockedPayment } from '../locks';
import { booksOf, enqueuePaymentPosting, enqueueState, stateFor, type Books } from './books';

/** A payment's books, open: they are moved step by step and written by each step. */
export interface OpenBooks {
  locked: LockedPayment;
  books: Books;
  state: LedgerState;
}

/** Opens the books of a locked payment. A subscription that is older than the ledger is entered. */
export async function openBooks(tx: Transaction, locked: LockedPayment): Promise<OpenBooks> {
  const books = await booksOf(tx, locked);
  const { subscription } = locked;
  const state = await stateFor(tx, books, subscription);
  const wasEntered = books.isSubscriptions && subscription?.ledger_state === null;
  // The entry says what of the payment is not applied; the row was read before.
  const payment = (wasEntered ? await lockPayment(tx, locked.payment.id) : null) ?? locked.payment;
  return { locked: { ...locked, payment }, books, state };
}

/** Takes money of a payment out of its books for a refund. @returns from which accounts, and the books afterwards */
export function takeForRefund(tx: Transaction, open: OpenBooks, amount: number, cause: Cause) {
  return take(tx, open, amount, cause, reserveRefund);
}

/** Takes money of a payment out of its books that a lost dispute took away. */
export function takeForLoss(tx: Transaction, open: OpenBooks, amount: number, cause: Cause) {
  return take(tx, open, amount, cause, loseDispute);
}

async function take(
  tx: Transaction,
  open: OpenBooks,
  amount: number,
  cause: Cause,
  decide: (state: LedgerState, back: MoneyBack) => TakenBack,
): Promise<{ parts: TakenParts; open: OpenBooks }> {
  const { locked, books, state } = open;
  const { payment, subscription } = locked;
  const balance = await lockCustomerBalance(tx, payment.customer_id, payment.currency);
  const credit = balance?.funds ?? [];
  const taken = decide(state, {
    paymentId: payment.id,
    amount,
    at: books.times.now.toISOString(),
    unapplied: Number(payment.unapplied_amount),
    customerCredit: credit.find(({ source }) => source === payment.id)?.amount ?? 0,
  });
  const { parts } = taken;
  enqueuePaymentPosting(tx, books, taken, cause);
  enqueueState(tx, books, subscription, taken.state);
  const unapplied = Number(payment.unapplied_amount) - parts.unapplied;
  if (parts.unapplied > 0) enqueueUnapplied(tx, payment.id, unapplied);
  if (parts.customer_credit > 0) {
    const used = [{ source: payment.id, amount: parts.customer_credit }];
    enqueueCustomerBalance(tx, payment.customer_id, payment.currency, removeCredit(credit, used));
  }
  const after = { ...payment, unapplied_amount: BigInt(unapplied) };
  return { parts, open: { locked: { ...locked, payment: after }, books, state: taken.state } };
}

/** How money comes back that was taken. */
export interface PutBack {
  /** When it was taken, by the customer's time. */
  takenAt: string;
  /** What of it does not come back, since others have taken it. */
  gone: readonly GoneElsewhere[];
}

/** Puts money back that was taken for a refund which is given up. */
export function putBackRefund(
  tx: Transaction,
  open: OpenBooks,
  parts: TakenParts,
  { takenAt, gone }: PutBack,
  cause: Cause,
): Promise<OpenBooks> {
  return putBack(tx, open, takenAt, cause, (state, back) => releaseRefund(state, parts, { ...back, gone }));
}

/** Puts money back that a lost dispute had taken, which is won after all. @param cash the account that has it again */
export function putBackLoss(
  tx: Transaction,
  open: OpenBooks,
  parts: TakenParts,
  { takenAt, gone, cash }: PutBack & { cash: string },
  cause: Cause,
): Promise<OpenBooks> {
  const decide = (state: LedgerState, back: MoneyReturn) =>
    regainDispute(state, parts, { ...back, gone }, cash);
  return putBack(tx, open, takenAt, cause, decide);
}

async function putBack(
  tx: Transaction,
  open: OpenBooks,
  takenAt: string,
  cause: Cause,
  decide: (state: LedgerState, back: MoneyReturn) => ReleasedRefund,
): Promise<OpenBooks> {
  const { locked, books, state } = open;
  const { payment, subscription } = locked;
  const released = decide(state, {
    paymentId: payment.id,
    at: books.times.now.toISOString(),
    reservedAt: takenAt,
    alive: books.isSubscriptions && subscription !== null && !isFinal(subscription.status),
  });
  enqueuePaymentPosting(tx, books, released, cause);
  enqueueState(tx, books, subscription, released.state);
  await addCustomerCredit(tx, payment, released.customerCredit, 'new');
  return { ...open, state: released.state };
}
