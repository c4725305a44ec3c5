/**
 * How what is unfinished is brought on its way again: by the ordinary messages, never by writing an outcome.
 *
 * Invariant: every repair is harmless when it was not needed; whoever gets the message judges by the row.
 */
import type { Predicate } from '../../domain/stuck-work';
import type { Finding } from './stuck-work';
import { databaseNow, inTransaction, type Database, type Transaction } from '../../prisma/client';
import { lockPaymentInOrder, lockSubscription } from '../locks';
import { raiseOperatorTask } from '../operator-tasks';
import { replayDelivery } from '../webhook/deliveries';
import type { FollowUps } from '../../temporal/messenger';
import { announceDueAgain } from '../renewal/publish-due';

export interface RepairDependencies {
  db: Database;
  followUps: FollowUps;
}

/** `false`: nothing can be done but to count it. */
export async function repair(deps: RepairDependencies, { predicate, subject }: Finding): Promise<boolean> {
  const how = repairs[predicate];
  if (how === null) return false;
  await how(deps, subject.id);
  return true;
}

const repairs: Record<Predicate, ((deps: RepairDependencies, id: string) => Promise<void>) | null> = {
  due_not_opened: announceAgain,
  period_not_attempted: ({ followUps }, id) => followUps.wakeSubscription(id),
  creation_not_concluded: ({ followUps }, id) => followUps.wakeSubscription(id),
  paid_not_recorded: tellPaid,
  attempt_in_processing: ({ followUps }, id) => followUps.start(id),
  incomplete_not_told: announceFirstPayment,
  change_not_concluded: concludeChange,
  final_with_open_payment: ({ followUps }, id) => followUps.cancel(id, 'subscription_ended'),
  lookup_due: ({ followUps }, id) => followUps.start(id),
  webhook_not_processed: tellWebhookAgain,
  unknown_without_task: askPerson,
  manual_not_attempted: ({ followUps }, id) => followUps.start(id),
  refund_not_promised: null,
  refund_not_finished: ({ followUps }, id) => followUps.start(id),
  failed_without_plan: ({ followUps }, id) => followUps.collect(id, 'failed'),
  collection_not_told: tellCollected,
  plan_due: ({ followUps }, id) => followUps.collect(id, 'failed'),
  notice_due: ({ followUps }, id) => followUps.collect(id, 'failed'),
  retry_request_open: ({ followUps }, id) => followUps.collect(id, 'manualRetry'),
  bulk_retry_stalled: ({ followUps }, id) => followUps.startBulkRetry(id),
  outbox_unpublished: null,
};

async function announceAgain({ db }: RepairDependencies, id: string): Promise<void> {
  await inTransaction(db, async (tx) => {
    const locked = await lockSubscription(tx, id);
    if (locked === null) return;
    const { row, realNow } = locked;
    const before = await tx.outboxEvent.count({
      where: {
        subject: id,
        topic: 'subscriptions.renew_required',
        event_id: { contains: `/v${row.version}` },
      },
    });
    await announceDueAgain(tx, row, realNow, before);
  });
}

async function tellPaid({ db, followUps }: RepairDependencies, id: string): Promise<void> {
  const payment = await db.payment.findUniqueOrThrow({ where: { id } });
  if (payment.subscription_id === null) return;
  await followUps.tellPaid(payment.subscription_id, { payment_id: id, period_index: payment.period_index });
}

async function tellCollected({ db, followUps }: RepairDependencies, id: string): Promise<void> {
  const payment = await db.payment.findUniqueOrThrow({ where: { id } });
  const { subscription_id: subscriptionId, period_index: index } = payment;
  if (subscriptionId === null || index === null) return;
  await followUps.tellCollectionStarted(subscriptionId, { payment_id: id, period_index: index });
}

/** From now on its outcome is published; a run of its follow-up tells what has come. */
async function announceFirstPayment({ db, followUps }: RepairDependencies, id: string): Promise<void> {
  await db.payment.update({ where: { id }, data: { announced: true } });
  await followUps.start(id);
}

/** A charge that was never tried, or declined with nobody left to hear it, is not wanted any more. */
async function concludeChange(deps: RepairDependencies, id: string): Promise<void> {
  const dropped = await inTransaction(deps.db, async (tx) => {
    const { payment } = await lockPaymentInOrder(tx, id);
    if (payment.status !== 'requested' && payment.status !== 'failed') return false;
    await tx.payment.update({ where: { id }, data: { status: 'cancelled', version: { increment: 1 } } });
    return true;
  });
  if (!dropped) await tellPaid(deps, id);
}

async function tellWebhookAgain({ db }: RepairDependencies, id: string): Promise<void> {
  await inTransaction(db, (tx) => replayDelivery(tx, id));
}

async function askPerson({ db }: RepairDependencies, id: string): Promise<void> {
  const detail = 'The provider has not told the outcome for more than a day.';
  await inTransaction(db, async (tx: Transaction) =>
    raiseOperatorTask(tx, 'unknown_outcome', { type: 'payment', id }, detail, await databaseNow(tx)),
  );
}
