/**
 * The end of a subscription: cancelled, or expired when its collection was given up.
 *
 * Invariants: from the commit on no attempt can begin (the transaction that begins one shares this row's lock); a
 * period whose payment was completed is recorded as paid first, and a refund is counted from what was paid.
 */
import type { CancelCommand } from '../../contracts/workflows/commands';
import {
  isPaymentPaid,
  isPaymentOpen,
  paymentStatuses,
  type PaymentStatus,
} from '../../domain/payment/payment';
import { unusedAmount } from '../../domain/subscription/proration';
import type { Transaction } from '../../prisma/client';
import { announceCancelled } from './events';
import { toFacts } from '../rows';
import { type SubscriptionRecord, type SubscriptionRow } from './record';
import { pendingColumn, writeVersion, type ChangeContext, type Patch } from './transition';

type Ending = Pick<CancelCommand, 'mode' | 'refund' | 'reason'>;

/** Cancels now, whatever the mode was by which it came to that. */
export async function endSubscription(
  tx: Transaction,
  row: SubscriptionRow,
  ending: Ending,
  context: ChangeContext,
): Promise<SubscriptionRecord> {
  const paidRow = await withPaidPeriods(tx, row, context.now);
  const openIds = await openPayments(tx, row.id);
  const refund = await refundOf(tx, paidRow, ending.refund, context.now);
  const patch: Patch = {
    ...endingColumns,
    period_paid: paidRow.period_paid,
    status: 'cancelled',
    cancelled_at: context.now,
  };
  const { record } = await writeVersion(tx, row, patch, { ...context, changes: ['cancelled'] });
  await withdrawAttempts(tx, row.id);
  announceCancelled(tx, record.subscription, { ...ending, refund, openPaymentIds: openIds }, context);
  return record;
}

/** Nothing is tried by itself any more, or until the subscription goes on: its payments announce no attempt. */
export async function withdrawAttempts(tx: Transaction, subscriptionId: string): Promise<void> {
  await tx.payment.updateMany({
    where: { subscription_id: subscriptionId, next_attempt_at: { not: null } },
    data: { next_attempt_at: null },
  });
}

/** What no ended subscription has. */
export const endingColumns: Patch = {
  ...pendingColumn(null),
  cancel_at: null,
  resume_at: null,
  paused_from: null,
  open_payment_id: null,
};

/** The row with its period as paid, when that period's payment turns out to be completed. */
export async function withPaidPeriods(
  tx: Transaction,
  row: SubscriptionRow,
  now: Date,
): Promise<SubscriptionRow> {
  const unpaid = await tx.subscriptionPeriod.findMany({
    where: { subscription_id: row.id, paid_at: null, payment_id: { not: null } },
  });
  const payments = await tx.payment.findMany({
    where: { id: { in: unpaid.map(({ payment_id }) => payment_id ?? '') } },
  });
  const paid = payments.filter(({ status }) => isPaymentPaid(status as PaymentStatus));
  const indexes = unpaid
    .filter((period) => paid.some(({ id }) => id === period.payment_id))
    .map(({ index }) => index);
  if (indexes.length === 0) return row;
  await tx.subscriptionPeriod.updateMany({
    where: { subscription_id: row.id, index: { in: indexes } },
    data: { paid_at: now },
  });
  const isPaid = row.period_index !== null && indexes.includes(row.period_index);
  return isPaid ? { ...row, period_paid: true } : row;
}

async function openPayments(tx: Transaction, subscriptionId: string): Promise<string[]> {
  const open = await tx.payment.findMany({
    where: {
      subscription_id: subscriptionId,
      kind: { not: 'manual' },
      // A failed one may be on its way to the next attempt: it is not wanted any more either.
      status: { in: [...paymentStatuses.filter(isPaymentOpen), 'failed'] },
    },
    orderBy: [{ created_at: 'asc' }, { id: 'asc' }],
    select: { id: true },
  });
  return open.map(({ id }) => id);
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
  const payments = await tx.payment.findMany({
    where: { subscription_id: row.id, period_index: period.index, kind: { not: 'manual' } },
  });
  const left = payments
    .filter(({ status }) => isPaymentPaid(status as PaymentStatus))
    .reduce((sum, payment) => sum + Number(payment.amount - payment.refunded_amount), 0);
  // Credits that wait were paid for and not used; debits that wait were used and not paid for.
  const unused = unusedAmount(amount, period, now.toISOString()) - balance;
  const wanted = mode === 'full' ? left : Math.min(left, Math.max(0, unused));
  return wanted === 0 ? null : { amount: wanted, currency };
}
