/**
 * Takes back a change that waits for its charge.
 *
 * Invariants: credit that was set aside for it is freed once; a charge that is open is cancelled where that can still be
 * done, and goes back should it succeed all the same.
 */
import { releaseHeld } from '../../domain/ledger/change';
import { isPaymentOpen } from '../../domain/payment/payment';
import type { ChangeDecision } from '../../domain/subscription/change';
import type { Transaction } from '../../prisma/client';
import { moneyColumns, type MoneyColumns } from '../ledger/money-columns';
import { ledgerOf } from '../ledger/opening';
import { enqueuePosting } from '../ledger/post';
import { lockPayment } from '../locks';
import { enqueueCancellation } from '../payment/store';
import type { SubscriptionRow } from '../rows';
import { pendingColumn, type ChangeContext, type Patch } from './transition';

/**
 * Withdraws a change whose charge is open, or has failed. What has been charged was applied before, under the same lock.
 * @returns the columns of the subscription: what the change had replaced holds again
 */
export async function withdrawUnpaid(
  tx: Transaction,
  row: SubscriptionRow,
  { payment_id: paymentId, pending }: Extract<ChangeDecision, { kind: 'drop_unpaid' }>,
  context: ChangeContext,
): Promise<Patch> {
  const payment = await lockPayment(tx, paymentId);
  if (payment !== null) {
    // The open attempt's outcome ends the payment; without one nothing more is attempted.
    const isBegun = isPaymentOpen(payment.status) && payment.status !== 'requested';
    const status = isBegun ? payment.status : 'cancelled';
    enqueueCancellation(tx, payment, status, 'change_cancelled', context.realNow);
  }
  return { ...(await freeHeldCredit(tx, row, paymentId, context)), ...pendingColumn(pending) };
}

/** Frees the credit that was set aside for a change. @returns the columns of the money; null: none was */
export async function freeHeldCredit(
  tx: Transaction,
  row: SubscriptionRow,
  paymentId: string,
  context: ChangeContext,
): Promise<MoneyColumns | null> {
  const released = releaseHeld(await ledgerOf(tx, row, context), paymentId);
  if (released.entries.length === 0) return null;
  const cause = { id: `${paymentId}/released`, kind: 'credit_released' as const, paymentId };
  enqueuePosting(tx, row, released, { ...cause, actor: context.actor }, context);
  return moneyColumns(released.state, row.waiting_lines, context.now);
}
