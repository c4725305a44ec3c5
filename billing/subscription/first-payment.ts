/**
 * What the first payment's state makes of its subscription: when creation is concluded, and when it settles later.
 *
 * Invariants: the payment is read under its lock, so an outcome written a moment ago is never overlooked; a declined
 * creation is on no topic; a paid one is announced by `subscriptions.created` alone.
 */
import type { FirstPayment, Subscription } from '../../contracts/http/subscriptions';
import type { PaymentStatus } from '../../domain/payment/payment';
import { decideFirstPayment, type SubscriptionChange } from '../../domain/subscription/subscription';
import { inTransaction, type Database, type Transaction } from '../../prisma/client';
import { timesFor, type Times } from '../clock';
import type { Prisma } from '../../prisma/generated/client';
import { lockPayment } from '../locks';
import { announceCreated, announceUpdated } from './events';
import { toRecord, type SubscriptionRecord, type SubscriptionRow } from './record';
import { lockOrThrow, subscriptionService as actor, writeVersion } from './transition';

/**
 * Concludes a creation (version 0), or settles a subscription that waits as `incomplete`; anything else is left.
 * @param traceparent of the creation, where it is concluded for the one who asked
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

/** @param payment the first payment's locked row */
export async function applyFirst(
  tx: Transaction,
  row: SubscriptionRow,
  payment: Prisma.PaymentGetPayload<object>,
  times: Times,
  traceparent?: string,
): Promise<SubscriptionRecord> {
  if (row.status !== 'incomplete') return toRecord(row);
  const decision = decideFirstPayment(payment.status as PaymentStatus);
  if (decision.status === 'incomplete' && row.version > 0) return toRecord(row);
  return write(tx, row, payment, decision, times, traceparent);
}

async function write(
  tx: Transaction,
  row: SubscriptionRow,
  payment: Prisma.PaymentGetPayload<object>,
  decision: ReturnType<typeof decideFirstPayment>,
  times: Times,
  traceparent: string | undefined,
): Promise<SubscriptionRecord> {
  const paid = decision.status === 'active';
  const creating = row.version === 0;
  const changes: SubscriptionChange[] =
    'change' in decision && !creating ? [decision.change] : creating ? ['created'] : [];
  const commandId = `${row.id}/first-payment/v${row.version + 1}`;
  const { record, previous } = await writeVersion(
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
  payment: Prisma.PaymentGetPayload<object>,
  now: Date,
  traceparent: string | undefined,
): void {
  // A creation whose payment was declined never existed for anybody but the one who asked.
  if (subscription.status === 'expired') return;
  const firstPayment: FirstPayment = {
    payment_id: payment.id,
    status: payment.status as PaymentStatus,
    amount: Number(payment.amount),
    currency: payment.currency,
  };
  announceCreated(tx, subscription, firstPayment, now, traceparent);
}
