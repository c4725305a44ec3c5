/**
 * Group payment-service: what a new subscription, an ended one, and a provider's webhook mean for payments.
 *
 * Invariant: each effect is judged by the payment's row, so records may come twice, late, and in any order.
 */
import type { ReadEvent } from '../../contracts/topics/envelope';
import {
  messages,
  paymentStart,
  retryWorkflowId,
  type CancelPaymentArgs,
} from '../../contracts/workflows/workflows';
import {
  isPaymentOpen,
  isSettled,
  type AttemptStatus,
  type PaymentStatus,
} from '../../domain/payment/payment';
import { databaseNow, inTransaction, type Database, type Transaction } from '../../prisma/client';
import { lockPayment, lockSubscriptionForShare } from '../../billing/locks';
import { attemptRow, type PaymentRow } from '../../billing/rows';
import { publishOutcome } from '../../billing/payment/publish-outcome';
import type { Handlers } from '../consumer/consumer';
import type { WorkflowClient } from '../../temporal/client';
import { Unprocessable } from '../../billing/unprocessable';
import { reserveRefunds } from '../../billing/payment/cancellation-refunds';
import { acceptRequested } from '../../billing/payment/requested-payments';
import { onWebhook } from './webhooks';

export interface PaymentServiceDependencies {
  db: Database;
  client: WorkflowClient;
  incompleteHours: number;
  /** Minor units. */
  externalPaymentMax: number;
}

export function paymentServiceHandlers(deps: PaymentServiceDependencies): Handlers {
  return {
    'subscriptions.created': (event) => onCreated(deps, event),
    'subscriptions.cancelled': (event) => onCancelled(deps, event),
    'payments.requested': (event) => onRequested(deps, event),
    'webhooks.received': (event) => onWebhook(deps, event),
  };
}

/** A first payment that was still open is announced: from now on its outcome is published, at once if it has come. */
async function onCreated(
  deps: PaymentServiceDependencies,
  { data }: ReadEvent<'subscriptions.created'>,
): Promise<void> {
  const first = data.first_payment;
  if (first === null || !isPaymentOpen(first.status)) return;
  const needsFollowUp = await inTransaction(deps.db, async (tx) => {
    const subscription = await lockSubscriptionForShare(tx, data.subscription.id);
    const payment = await lockPayment(tx, first.payment_id);
    if (payment === null)
      throw new Unprocessable('unknown_payment', `there is no payment ${first.payment_id}`);
    if (!payment.announced) await announce(tx, payment);
    // Settled, but its subscription has not been told: the follow-up tells it.
    return isPaymentOpen(payment.status as PaymentStatus) || subscription?.status === 'incomplete';
  });
  if (!needsFollowUp) return;
  await startPayment(deps, first.payment_id);
}

/** A payment of its own is attempted by its process. */
async function onRequested(
  deps: PaymentServiceDependencies,
  { data }: ReadEvent<'payments.requested'>,
): Promise<void> {
  const { status } = await acceptRequested(deps.db, data, deps.externalPaymentMax);
  if (isPaymentOpen(status as PaymentStatus)) await startPayment(deps, data.payment_id);
}

async function startPayment(deps: PaymentServiceDependencies, paymentId: string): Promise<void> {
  await deps.client.start(paymentStart(paymentId, deps.incompleteHours));
}

async function announce(tx: Transaction, payment: PaymentRow): Promise<void> {
  await tx.payment.update({ where: { id: payment.id }, data: { announced: true } });
  const attempt = await tx.paymentAttempt.findFirst({
    where: { payment_id: payment.id },
    orderBy: { number: 'desc' },
  });
  if (attempt === null || !isSettled(attempt.status as AttemptStatus)) return;
  await publishOutcome(tx, payment, attemptRow(attempt), await databaseNow(tx));
}

/**
 * Nothing more is collected for an ended subscription: whatever is open is cancelled. What was taken after all, and what
 * the cancellation gives back, is promised here and paid out by the payments' own processes.
 */
async function onCancelled(
  deps: PaymentServiceDependencies,
  { id, data }: ReadEvent<'subscriptions.cancelled'>,
): Promise<void> {
  const reserved = await reserveRefunds(deps.db, data);
  for (const paymentId of data.open_payment_ids) {
    const payment = await deps.db.payment.findUnique({ where: { id: paymentId } });
    if (payment === null) throw new Unprocessable('unknown_payment', `there is no payment ${paymentId}`);
    if (payment.status === 'failed') {
      // Whoever waits to try it again finds that there is nothing to collect.
      const ended = { name: messages.settled, args: [], eventId: id };
      await deps.client.signalIfRunning(retryWorkflowId(paymentId), ended);
    }
    const isOpen = isPaymentOpen(payment.status as PaymentStatus);
    if (!isOpen || payment.cancel_requested_at !== null) continue;
    const args: CancelPaymentArgs = [{ reason: 'subscription_cancelled' }];
    const signal = { name: messages.cancel, args, eventId: id };
    await deps.client.signalWithStart(paymentStart(paymentId, deps.incompleteHours), signal);
  }
  for (const paymentId of reserved) {
    const signal = { name: messages.settled, args: [], eventId: `${id}/refund` };
    await deps.client.signalWithStart(paymentStart(paymentId, deps.incompleteHours), signal);
  }
}
