/**
 * What the first payment's state makes of its subscription: when creation is concluded, and when it settles later.
 *
 * Invariants: the payment is read under its lock, so an outcome written a moment ago is never overlooked; a declined
 * creation is on no topic; a paid one is announced by `subscriptions.created` alone.
 */
import type { FirstPayment, Subscription } from '../../contracts/http/subscriptions';
import type { PaymentStatus } from '../../domain/payment';
import { decideFirstPayment, type SubscriptionChange } from '../../domain/subscription';
import { recordChange, systemActor } from '../../prisma/changes';
import { databaseNow, inTransaction, type Database, type Transaction } from '../../prisma/client';
import type { Prisma } from '../../prisma/generated/client';
import { lockPayment, lockSubscription } from '../../prisma/locks';
import { toSubscription } from '../../prisma/rows';
import { announceCreated, announceUpdated } from './announce';
import { changedFields } from './changed-fields';
import { toRecord, type SubscriptionRecord } from './record';

const actor = systemActor('subscription-service');

/**
 * Concludes a creation (version 0), or settles a subscription that waits as `incomplete`.
 * @param expectedVersion the version that the workflow decided by
 * @returns the record as it stands, which is another version than expected when somebody else wrote meanwhile
 */
export async function applyFirstPayment(
  db: Database,
  subscriptionId: string,
  expectedVersion: number,
): Promise<SubscriptionRecord> {
  return inTransaction(db, async (tx) => {
    const row = await lockSubscription(tx, subscriptionId);
    if (row === null) throw new Error(`subscription ${subscriptionId} does not exist`);
    if (row.version !== expectedVersion || row.status !== 'incomplete') return toRecord(row);
    if (row.first_payment_id === null) throw new Error(`subscription ${subscriptionId} has no first payment`);
    const payment = await lockPayment(tx, row.first_payment_id);
    if (payment === null) throw new Error(`payment ${row.first_payment_id} does not exist`);
    const decision = decideFirstPayment(payment.status as PaymentStatus);
    if (decision.status === 'incomplete' && row.version > 0) return toRecord(row);
    return write(tx, row, payment, decision);
  });
}

async function write(
  tx: Transaction,
  row: Prisma.SubscriptionGetPayload<object>,
  payment: Prisma.PaymentGetPayload<object>,
  decision: ReturnType<typeof decideFirstPayment>,
): Promise<SubscriptionRecord> {
  const now = await databaseNow(tx);
  const paid = decision.status === 'active';
  const saved = await tx.subscription.update({
    where: { id: row.id },
    data: {
      version: { increment: 1 },
      status: decision.status,
      period_paid: paid,
      open_payment_id: decision.status === 'incomplete' ? payment.id : null,
      next_due_at: paid ? row.period_end : null,
      updated_at: now,
    },
  });
  if (paid && row.period_index !== null) {
    await tx.subscriptionPeriod.update({
      where: { subscription_id_index: { subscription_id: row.id, index: row.period_index } },
      data: { paid_at: now },
    });
  }
  const record = toRecord(saved);
  const creating = row.version === 0;
  const changes: SubscriptionChange[] =
    'change' in decision && !creating ? [decision.change] : creating ? ['created'] : [];
  const previous = creating ? {} : changedFields(toSubscription(row), record.subscription);
  const commandId = `${row.id}/first-payment/v${saved.version}`;
  await recordChange(tx, record.subscription, { commandId, changes, previous, actor, at: now });
  await announce(tx, record.subscription, creating, changes, previous, payment, now);
  return record;
}

async function announce(
  tx: Transaction,
  subscription: Subscription,
  creating: boolean,
  changes: SubscriptionChange[],
  previous: Partial<Subscription>,
  payment: Prisma.PaymentGetPayload<object>,
  now: Date,
): Promise<void> {
  if (!creating) return announceUpdated(tx, subscription, changes, previous, actor, now);
  // A creation whose payment was declined never existed for anybody but the one who asked.
  if (subscription.status === 'expired') return;
  const firstPayment: FirstPayment = {
    payment_id: payment.id,
    status: payment.status as PaymentStatus,
    amount: Number(payment.amount),
    currency: payment.currency,
  };
  return announceCreated(tx, subscription, firstPayment, now);
}
