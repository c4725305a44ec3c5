/**
 * How what is unfinished is brought on its way again: by the ordinary messages, never by writing an outcome.
 *
 * Invariant: every repair is harmless when it was not needed; whoever gets the message judges by the row.
 */
import type { Predicate } from '../../domain/stuck-work';
import type { StuckItem } from './stuck-work';
import { databaseNow, inTransaction, type Database, type Transaction } from '../../prisma/client';
import { lockPaymentInOrder, lockSubscription } from '../locks';
import { raiseOperatorTask } from '../operator-tasks';
import { replayDelivery } from '../webhook/deliveries';
import type { Messenger } from '../../temporal/messenger';
import { announceDueAgain } from '../renewal/publish-due';

export interface RepairDependencies {
  db: Database;
  messenger: Messenger;
}

/** `false`: nothing can be done but to count it. */
export async function repair(deps: RepairDependencies, { predicate, subject }: StuckItem): Promise<boolean> {
  const how = repairs[predicate];
  if (how === null) return false;
  await how(deps, subject.id);
  return true;
}

const repairs: Record<Predicate, ((deps: RepairDependencies, id: string) => Promise<void>) | null> = {
  due_not_opened: announceAgain,
  period_not_attempted: ({ messenger }, id) => messenger.wakeSubscription(id),
  creation_not_concluded: ({ messenger }, id) => messenger.wakeSubscription(id),
  paid_not_recorded: signalPaid,
  attempt_in_processing: ({ messenger }, id) => messenger.start(id),
  incomplete_not_notified: announceFirstPayment,
  change_not_concluded: concludeChange,
  final_with_open_payment: ({ messenger }, id) => messenger.cancel(id, 'subscription_ended'),
  lookup_due: ({ messenger }, id) => messenger.start(id),
  webhook_not_processed: republishWebhook,
  unknown_without_task: raiseUnknownOutcome,
  manual_not_attempted: ({ messenger }, id) => messenger.start(id),
  refund_not_reserved: null,
  refund_not_finished: ({ messenger }, id) => messenger.start(id),
  failed_without_plan: ({ messenger }, id) => messenger.startRetry(id, 'failed'),
  dunning_not_recorded: signalDunning,
  plan_due: ({ messenger }, id) => messenger.startRetry(id, 'failed'),
  notice_due: ({ messenger }, id) => messenger.startRetry(id, 'failed'),
  retry_request_open: ({ messenger }, id) => messenger.startRetry(id, 'manualRetry'),
  bulk_retry_stalled: ({ messenger }, id) => messenger.startBulkRetry(id),
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

async function signalPaid({ db, messenger }: RepairDependencies, id: string): Promise<void> {
  const payment = await db.payment.findUniqueOrThrow({ where: { id } });
  if (payment.subscription_id === null) return;
  await messenger.signalPaid(payment.subscription_id, { payment_id: id, period_index: payment.period_index });
}

async function signalDunning({ db, messenger }: RepairDependencies, id: string): Promise<void> {
  const payment = await db.payment.findUniqueOrThrow({ where: { id } });
  const { subscription_id: subscriptionId, period_index: index } = payment;
  if (subscriptionId === null || index === null) return;
  await messenger.signalDunningStarted(subscriptionId, { payment_id: id, period_index: index });
}

/** From now on its outcome is published; a run of its follow-up tells what has come. */
async function announceFirstPayment({ db, messenger }: RepairDependencies, id: string): Promise<void> {
  await db.payment.update({ where: { id }, data: { announced: true } });
  await messenger.start(id);
}

/** A charge that was never tried, or declined with nobody left to hear it, is not wanted any more. */
async function concludeChange(deps: RepairDependencies, id: string): Promise<void> {
  const dropped = await inTransaction(deps.db, async (tx) => {
    const { payment } = await lockPaymentInOrder(tx, id);
    if (payment.status !== 'requested' && payment.status !== 'failed') return false;
    await tx.payment.update({ where: { id }, data: { status: 'cancelled', version: { increment: 1 } } });
    return true;
  });
  if (!dropped) await signalPaid(deps, id);
}

async function republishWebhook({ db }: RepairDependencies, id: string): Promise<void> {
  await inTransaction(db, (tx) => replayDelivery(tx, id));
}

async function raiseUnknownOutcome({ db }: RepairDependencies, id: string): Promise<void> {
  const detail = 'The provider has not told the outcome for more than a day.';
  await inTransaction(db, async (tx: Transaction) =>
    raiseOperatorTask(tx, 'unknown_outcome', { type: 'payment', id }, detail, await databaseNow(tx)),
  );
}
