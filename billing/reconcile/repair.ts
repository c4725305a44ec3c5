/**
 * Repairs stuck work: by the ordinary messages and events, never by writing an outcome.
 *
 * Invariants: every repair is harmless when it was not needed; the receiver of a message decides by the row.
 */
import type { WorkflowMessage } from '../../contracts/workflows/messages';
import type { Predicate } from '../../domain/stuck-work';
import { databaseNow, inTransaction, type Transaction } from '../../prisma/client';
import { lockSubscription } from '../locks';
import type { AttemptDependencies } from '../payment/attempt';
import { cancelAfterEnd } from '../payment/stop-payment';
import { earnEndedPeriod } from '../subscription/earn-period';
import { abandonChange } from '../subscription/conclude-change';
import { enqueueReopenedTask } from '../operator-tasks';
import { replayDelivery } from '../webhook/deliveries';
import { announceDueAgain } from '../renewal/publish-due';
import type { StuckItem } from './predicate';
import { countDueEvents, markAnnounced } from './store';

/** Writes what a repair writes, and returns what is to be sent. */
type Repair = (deps: AttemptDependencies, id: string) => Promise<WorkflowMessage[]>;

/**
 * Repairs one stuck item.
 * @returns the messages to send; null: nothing repairs it, it is only counted
 */
export async function repair(
  deps: AttemptDependencies,
  { predicate, subject }: StuckItem,
): Promise<WorkflowMessage[] | null> {
  const run = repairs[predicate];
  return run === null ? null : run(deps, subject.id);
}

const message =
  (messageOf: (id: string) => WorkflowMessage): Repair =>
  (_deps, id) =>
    Promise.resolve([messageOf(id)]);
const repairSubscription = message((id) => ({ kind: 'repair_subscription', subscription_id: id }));
const startPayment = message((id) => ({ kind: 'start_payment', payment_id: id }));
/** A run that waits for something else reads the row again. */
const refreshPayment = message((id) => ({ kind: 'refresh_payment', payment_id: id }));
const startRetry = message((id) => ({ kind: 'start_retry', payment_id: id, reason: 'failed' }));

const repairs: Record<Predicate, Repair | null> = {
  due_not_opened: announceAgain,
  period_not_attempted: repairSubscription,
  creation_not_concluded: repairSubscription,
  paid_not_recorded: reportPaid,
  unapplied_money: reportPaid,
  period_end_not_earned: earnPeriod,
  attempt_in_processing: startPayment,
  incomplete_not_notified: announceFirstPayment,
  change_not_concluded: endChange,
  final_with_open_payment: message((id) => ({
    kind: 'cancel_payment',
    payment_id: id,
    reason: 'subscription_ended',
  })),
  failed_after_end: ({ db }, id) => cancelAfterEnd(db, id),
  lookup_due: refreshPayment,
  cancel_not_asked: refreshPayment,
  other_card_not_tried: refreshPayment,
  open_without_task: raiseUnknownOutcome,
  webhook_not_processed: republishWebhook,
  unknown_without_task: raiseUnknownOutcome,
  manual_not_attempted: startPayment,
  refund_not_reserved: null,
  refund_not_finished: startPayment,
  failed_without_plan: startRetry,
  payment_method_not_planned: message((id) => ({
    kind: 'start_retry',
    payment_id: id,
    reason: 'paymentMethodChanged',
  })),
  dunning_not_recorded: reportDunning,
  plan_due: startRetry,
  notice_due: startRetry,
  retry_request_open: message((id) => ({ kind: 'start_retry', payment_id: id, reason: 'manualRetry' })),
  bulk_retry_stalled: message((id) => ({ kind: 'start_bulk_retry', bulk_retry_id: id })),
  outbox_unpublished: null,
};

async function earnPeriod({ db }: AttemptDependencies, id: string): Promise<[]> {
  await earnEndedPeriod(db, id);
  return [];
}

async function announceAgain({ db }: AttemptDependencies, id: string): Promise<[]> {
  await inTransaction(db, async (tx) => {
    const locked = await lockSubscription(tx, id);
    if (locked === null) return;
    const { row, realNow } = locked;
    announceDueAgain(tx, row, realNow, await countDueEvents(tx, id, row.version));
  });
  return [];
}

async function reportPaid({ db }: AttemptDependencies, id: string): Promise<WorkflowMessage[]> {
  const payment = await db.payment.findUniqueOrThrow({ where: { id } });
  const { subscription_id: subscriptionId, period_index: index } = payment;
  if (subscriptionId === null) return [];
  const payload = { payment_id: id, period_index: index };
  return [{ kind: 'payment_completed', subscription_id: subscriptionId, payload }];
}

async function reportDunning({ db }: AttemptDependencies, id: string): Promise<WorkflowMessage[]> {
  const payment = await db.payment.findUniqueOrThrow({ where: { id } });
  const { subscription_id: subscriptionId, period_index: index } = payment;
  if (subscriptionId === null || index === null) return [];
  const payload = { payment_id: id, period_index: index };
  return [{ kind: 'dunning_started', subscription_id: subscriptionId, payload }];
}

/** From now on its outcome is published; a run of its follow-up reports an outcome that has come already. */
async function announceFirstPayment({ db }: AttemptDependencies, id: string): Promise<WorkflowMessage[]> {
  await markAnnounced(db, id);
  return [{ kind: 'start_payment', payment_id: id }];
}

/** A charge that was never attempted, or was declined after its caller had left, is not wanted any more. */
async function endChange(deps: AttemptDependencies, id: string): Promise<WorkflowMessage[]> {
  const payment = await deps.db.payment.findUniqueOrThrow({ where: { id } });
  if (payment.subscription_id === null) return [];
  const before = payment.status;
  if (before === 'requested' || before === 'failed') {
    await abandonChange(deps, payment.subscription_id, id);
    return [];
  }
  return reportPaid(deps, id);
}

async function republishWebhook({ db }: AttemptDependencies, id: string): Promise<[]> {
  await inTransaction(db, (tx) => replayDelivery(tx, id));
  return [];
}

async function raiseUnknownOutcome({ db }: AttemptDependencies, id: string): Promise<[]> {
  const detail = 'The provider has not told the outcome for more than a day.';
  await inTransaction(db, async (tx: Transaction) =>
    enqueueReopenedTask(tx, 'unknown_outcome', { type: 'payment', id }, detail, await databaseNow(tx)),
  );
  return [];
}
