/**
 * The transaction that ends a subscription now.
 *
 * Invariants: from its commit on no attempt can begin (the transaction that begins one shares this row's lock); a
 * period whose payment was completed is recorded as paid first; the same command again gives its first result.
 */
import type { CancelCommand } from '../../contracts/commands';
import { isPaymentCollected, isPaymentOpen, paymentStatuses, type PaymentStatus } from '../../domain/payment';
import { recordChange, resultOfCommand } from '../../prisma/changes';
import { databaseNow, inTransaction, type Database, type Transaction } from '../../prisma/client';
import type { Prisma } from '../../prisma/generated/client';
import { lockSubscription } from '../../prisma/locks';
import { toSubscription } from '../../prisma/rows';
import { announceCancelled } from './announce';
import { changedFields } from './changed-fields';
import { toRecord, type SubscriptionRecord } from './record';

/** `stale`: the row was another version than expected and nothing was written; decide again by `record`. */
export interface Committed {
  kind: 'committed' | 'stale';
  record: SubscriptionRecord;
}

/** @param expectedVersion the version by which the cancellation was decided */
export async function commitCancellation(
  db: Database,
  subscriptionId: string,
  expectedVersion: number,
  command: CancelCommand,
): Promise<Committed> {
  return inTransaction(db, async (tx) => {
    const row = await lockSubscription(tx, subscriptionId);
    if (row === null) throw new Error(`subscription ${subscriptionId} does not exist`);
    if ((await resultOfCommand(tx, command.command_id)) !== null) {
      return { kind: 'committed', record: toRecord(row) };
    }
    if (row.version !== expectedVersion) return { kind: 'stale', record: toRecord(row) };
    return { kind: 'committed', record: await write(tx, row, command) };
  });
}

async function write(
  tx: Transaction,
  row: Prisma.SubscriptionGetPayload<object>,
  command: CancelCommand,
): Promise<SubscriptionRecord> {
  const now = await databaseNow(tx);
  const paid = await recordPaidPeriods(tx, row.id, now);
  const open = await tx.payment.findMany({
    where: { subscription_id: row.id, status: { in: paymentStatuses.filter(isPaymentOpen) } },
    orderBy: { created_at: 'asc' },
    select: { id: true },
  });
  const saved = await tx.subscription.update({
    where: { id: row.id },
    data: {
      version: { increment: 1 },
      status: 'cancelled',
      cancelled_at: now,
      cancel_at: null,
      resume_at: null,
      next_due_at: null,
      open_payment_id: null,
      period_paid: row.period_index !== null && paid.includes(row.period_index) ? true : undefined,
      updated_at: now,
    },
  });
  const record = toRecord(saved);
  await recordChange(tx, record.subscription, {
    commandId: command.command_id,
    changes: ['cancelled'],
    previous: changedFields(toSubscription(row), record.subscription),
    actor: command.actor,
    at: now,
  });
  const openIds = open.map(({ id }) => id);
  await announceCancelled(tx, record.subscription, command.reason, openIds, command.actor, now);
  return record;
}

/** @returns the indexes of the periods that turn out to be paid */
async function recordPaidPeriods(tx: Transaction, subscriptionId: string, now: Date): Promise<number[]> {
  const unpaid = await tx.subscriptionPeriod.findMany({
    where: { subscription_id: subscriptionId, paid_at: null, payment_id: { not: null } },
  });
  const payments = await tx.payment.findMany({
    where: { id: { in: unpaid.map(({ payment_id }) => payment_id ?? '') } },
  });
  const collected = payments.filter(({ status }) => isPaymentCollected(status as PaymentStatus));
  const indexes = unpaid
    .filter((period) => collected.some(({ id }) => id === period.payment_id))
    .map(({ index }) => index);
  await tx.subscriptionPeriod.updateMany({
    where: { subscription_id: subscriptionId, index: { in: indexes } },
    data: { paid_at: now },
  });
  return indexes;
}
