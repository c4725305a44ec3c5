/**
 * Applies the first payment to its subscription: when the creation is concluded, and when the payment settles later.
 *
 * Invariants:
 * - The payment is read under its lock, so an outcome written a moment ago is never overlooked.
 * - A declined creation is published on no topic; a paid one on `subscriptions.created` alone.
 */
import type { FirstPayment, Subscription } from '../../contracts/http/subscriptions';
import { decideFirstPayment, type SubscriptionChange } from '../../domain/subscription/subscription';
import { inTransaction, type Database, type Transaction } from '../../prisma/client';
import { timesFor, type Times } from '../clock';
import { lockPayment } from '../locks';
import { announceCreated, announceUpdated } from './events';
import type { PaymentRow } from '../rows';
import { toRecord, type SubscriptionRecord, type SubscriptionRow } from './record';
import { lockOrThrow, subscriptionService as actor, writeVersion } from './transition';

/**
 * Concludes a creation (version 0), or settles a subscription that waits as `incomplete`; anything else is left.
 * @param traceparent of the creation, where it is concluded for its caller
 * @returns the record as it stands
 */
export async function applyFirstPayment(
  db: Database,
  subscriptionId: string,
  traceparent?: string,
): Promise<SubscriptionRecord> {
  return inTransaction(db, async (tx) => {
    const { row, realNow } = await lockOrThrow(tx, subscriptionId);
    if (row.status !== 'incomplete') return toRecord(row);
    if (row.first_payment_id === null) throw new Error(`subscription ${subscriptionId} has no first payment`);
    const payment = await lockPayment(tx, row.first_payment_id);
    if (payment === null) throw new Error(`payment ${row.first_payment_id} does not exist`);
    const times = await timesFor(tx, row.test_clock_id, realNow);
    return applyFirst(tx, row, payment, times, traceparent);
  });
}

/** Applies the first payment. @param payment its locked row */
export function applyFirst(
  tx: Transaction,
  row: SubscriptionRow,
  payment: PaymentRow,
  times: Times,
  traceparent?: string,
): SubscriptionRecord {
  if (row.status !== 'incomplete') return toRecord(row);
  const decision = decideFirstPayment(payment.status);
  if (decision.status === 'incomplete' && row.version > 0) return toRecord(row);
  return write(tx, row, payment, decision, times, traceparent);
}

function write(
  tx: Transaction,
  row: SubscriptionRow,
  payment: PaymentRow,
  decision: ReturnType<typeof decideFirstPayment>,
  times: Times,
  traceparent: string | undefined,
): SubscriptionRecord {
  const paid = decision.status === 'active';
  const creating = row.version === 0;
  const changes: SubscriptionChange[] =
    'change' in decision && !creating ? [decision.change] : creating ? ['created'] : [];
  const commandId = `${row.id}/first-payment/v${row.version + 1}`;
  const { record, previous } = writeVersion(
    tx,
    row,
    {
      status: decision.status,
      period_paid: paid,
      open_payment_id: decision.status === 'incomplete' ? payment.id : null,
    },
    { ...times, commandId, changes, actor, paidPeriod: paid ? row.period_index : null },
  );
  const { subscription } = record;
  if (creating) announceCreation(tx, subscription, payment, times.realNow, traceparent);
  else announceUpdated(tx, subscription, changes, previous, actor, times.realNow);
  return record;
}

function announceCreation(
  tx: Transaction,
  subscription: Subscription,
  payment: PaymentRow,
  now: Date,
  traceparent: string | undefined,
): void {
  // Only its caller knows of a creation whose payment was declined.
  if (subscription.status === 'expired') return;
  const firstPayment: FirstPayment = {
    payment_id: payment.id,
    status: payment.status,
    amount: Number(payment.amount),
    currency: payment.currency,
  };
  announceCreated(tx, subscription, firstPayment, now, traceparent);
}
