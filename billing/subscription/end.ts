/**
 * Ends a subscription: cancelled, or expired when its dunning was exhausted.
 *
 * Invariants:
 * - From the commit on no attempt can begin: the transaction that begins one shares this row's lock.
 * - A period whose payment was completed is recorded as paid first, and a refund is counted from what was paid.
 */
import type { CancelCommand } from '../../contracts/workflows/commands';
import { unusedAmount } from '../../domain/subscription/proration';
import type { Transaction } from '../../prisma/client';
import { toFacts, type SubscriptionRow } from '../rows';
import { announceCancelled } from './events';
import { enqueueWithdrawnAttempts, unsettledPaymentIds } from './payment-store';
import { refundableForPeriod, markCompletedPeriodsPaid } from './period-store';
import type { SubscriptionRecord } from './record';
import { pendingColumn, writeVersion, type ChangeContext, type Patch } from './transition';

type Ending = Pick<CancelCommand, 'mode' | 'refund' | 'reason'>;

/** Cancels now, whatever mode led to it. */
export async function endSubscription(
  tx: Transaction,
  row: SubscriptionRow,
  ending: Ending,
  context: ChangeContext,
): Promise<SubscriptionRecord> {
  const paidRow = await recordPaidPeriods(tx, row, context.now);
  const openPaymentIds = await unsettledPaymentIds(tx, row.id);
  const refund = await refundOf(tx, paidRow, ending.refund, context.now);
  const patch: Patch = {
    ...endingColumns,
    period_paid: paidRow.period_paid,
    status: 'cancelled',
    cancelled_at: context.now,
  };
  const { record } = writeVersion(tx, row, patch, { ...context, changes: ['cancelled'] });
  enqueueWithdrawnAttempts(tx, row.id);
  announceCancelled(tx, record.subscription, { ...ending, refund, openPaymentIds }, context);
  return record;
}

/** The columns that no ended subscription has. */
export const endingColumns: Patch = {
  ...pendingColumn(null),
  cancel_at: null,
  resume_at: null,
  paused_from: null,
  open_payment_id: null,
};

/** Records periods as paid whose payment is completed. @returns the row with its present period as paid, if it is */
async function recordPaidPeriods(tx: Transaction, row: SubscriptionRow, now: Date): Promise<SubscriptionRow> {
  const indexes = await markCompletedPeriodsPaid(tx, row.id, now);
  const isPaid = row.period_index !== null && indexes.includes(row.period_index);
  return isPaid ? { ...row, period_paid: true } : row;
}

/** What is given back of the period in progress, never more than was collected for it. */
async function refundOf(
  tx: Transaction,
  row: SubscriptionRow,
  mode: Ending['refund'],
  now: Date,
): Promise<{ amount: number; currency: string } | null> {
  const { period, amount, balance, currency } = toFacts(row);
  if (mode === 'none' || period === null || !period.paid) return null;
  const left = await refundableForPeriod(tx, row.id, period.index);
  // Credits that wait were paid for and not used; debits that wait were used and not paid for.
  const unused = unusedAmount(amount, period, now.toISOString()) - balance;
  const refund = mode === 'full' ? left : Math.min(left, Math.max(0, unused));
  return refund === 0 ? null : { amount: refund, currency };
}
