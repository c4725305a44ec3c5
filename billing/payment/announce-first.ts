/** The announcement of a first payment: from then on its outcome is published. */
import type { EventData } from '../../contracts/topics/events';
import type { WorkflowMessage } from '../../contracts/workflows/messages';
import { isPaymentOpen, isSettled } from '../../domain/payment/payment';
import { databaseNow, inTransaction, type Database, type Transaction } from '../../prisma/client';
import { lockPayment, lockSubscriptionForShare } from '../locks';
import type { PaymentRow, SubscriptionRow } from '../rows';
import { Unprocessable } from '../unprocessable';
import { findLatestAttempt } from './attempt-store';
import { publishOutcome } from './publish-outcome';
import { enqueueAnnouncement, wasCreatedIncomplete } from './store';

/**
 * Announces the first payment of a new subscription, if it was still open; publishes its outcome at once, if it has one.
 * @returns what the payment's process is to get
 * @throws Unprocessable `unknown_payment`; `contradicts_subscription` when our own history differs
 */
export async function announceFirstPayment(
  db: Database,
  { subscription: { id: subscriptionId }, first_payment: first }: EventData<'subscriptions.created'>,
): Promise<WorkflowMessage[]> {
  if (first === null || !isPaymentOpen(first.status)) return [];
  const needsFollowUp = await inTransaction(db, async (tx) => {
    const subscription = await lockSubscriptionForShare(tx, subscriptionId);
    const payment = await lockPayment(tx, first.payment_id);
    if (payment === null)
      throw new Unprocessable('unknown_payment', `there is no payment ${first.payment_id}`);
    await requireOpenFirst(tx, subscription, payment);
    if (!payment.announced) await announce(tx, payment);
    // Of a settled payment the follow-up reports the outcome to the subscription.
    return isPaymentOpen(payment.status) || subscription?.status === 'incomplete';
  });
  return needsFollowUp ? [{ kind: 'start_payment', payment_id: first.payment_id }] : [];
}

/** The outcome of a first payment that was paid at once is never published, whatever a record states. */
async function requireOpenFirst(
  tx: Transaction,
  subscription: SubscriptionRow | null,
  payment: PaymentRow,
): Promise<void> {
  const isFirst = subscription?.first_payment_id === payment.id;
  if (isFirst && (await wasCreatedIncomplete(tx, subscription.id))) return;
  const detail = `${payment.id} was not the open first payment of the subscription that the record names`;
  throw new Unprocessable('contradicts_subscription', detail);
}

async function announce(tx: Transaction, payment: PaymentRow): Promise<void> {
  const announced = enqueueAnnouncement(tx, payment);
  const attempt = await findLatestAttempt(tx, payment.id);
  if (attempt === null || !isSettled(attempt.status)) return;
  publishOutcome(tx, announced, attempt, await databaseNow(tx));
}
