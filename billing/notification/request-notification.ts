/**
 * Asks, on notifications.requested, for a customer to be told something about a payment.
 *
 * Invariants: asked for in the transaction that makes it true, and once; nothing personal is written. It is the last
 * that a transaction writes to the outbox: whoever waits for a customer's turn holds the other turns that he needs.
 */
import type { Source } from '../../contracts/topics/envelope';
import type { NotificationData, NotificationTemplate } from '../../contracts/topics/notifications';
import { notificationEventId } from '../../domain/event-ids';
import type { Transaction } from '../../prisma/client';
import type { Times } from '../clock';
import { appendToOutbox, eventIdsAbout } from '../outbox';
import type { PaymentRow } from '../rows';

/** `about` tells it from others of its template and payment; the money is the payment's. */
export type WantedNotification = {
  [T in NotificationTemplate]: {
    template: T;
    about: string;
    data: Omit<NotificationData<T>, 'amount' | 'currency'>;
  };
}[NotificationTemplate];

/** Asked for before: nothing happens. */
export async function requestNotification(
  tx: Transaction,
  payment: PaymentRow,
  { template, about, data }: WantedNotification,
  { now, realNow }: Times,
  source: Source,
): Promise<void> {
  const money = { amount: Number(payment.amount), currency: payment.currency };
  appendToOutbox(
    tx,
    {
      topic: 'notifications.requested',
      id: notificationEventId(template, payment.id, about),
      source,
      subject: payment.id,
      key: payment.customer_id,
      data: {
        customer_id: payment.customer_id,
        template,
        subscription_id: payment.subscription_id,
        payment_id: payment.id,
        data: { ...money, ...data },
        not_before: now.toISOString(),
      },
    },
    realNow,
  );
}

/** The ids of what was asked to be told about a payment. */
export async function notificationsFor(tx: Transaction, paymentId: string): Promise<ReadonlySet<string>> {
  return eventIdsAbout(tx, paymentId, 'notifications.requested');
}

/** That the money came, to a customer who was told that it had not. @param attempt the one that brought it */
export async function notifyRecovered(
  tx: Transaction,
  payment: PaymentRow,
  attempt: number,
  times: Times,
): Promise<void> {
  if ((await notificationsFor(tx, payment.id)).size === 0) return;
  const wanted = { template: 'payment_recovered', about: `attempt/${attempt}`, data: {} } as const;
  await requestNotification(tx, payment, wanted, times, '/payment-service');
}
