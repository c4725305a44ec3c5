/**
 * Requests, on notifications.requested, that a customer is notified.
 *
 * Invariants: requested in the transaction that makes it true, and once; nothing personal is written. It is the last that
 * a transaction writes to the outbox: while it waits for the customer's turn it holds the other turns that it needs.
 */
import type { Source } from '../../contracts/topics/envelope';
import type {
  NotificationData,
  NotificationSubject,
  notificationTemplates,
  NotificationTemplate,
} from '../../contracts/topics/notifications';
import { notificationEventId } from '../../domain/event-ids';
import type { TraceContext } from '../../domain/trace';
import type { Transaction } from '../../prisma/client';
import type { Times } from '../clock';
import { appendToOutbox, eventIdsAbout } from '../outbox';
import type { CustomerRow, PaymentRow, SubscriptionRow } from '../rows';
import { traceOfPayment } from '../traces';

/** What a notification is about. */
export type SubjectRow =
  | { type: 'payment'; payment: PaymentRow }
  | { type: 'subscription'; subscription: Pick<SubscriptionRow, 'id' | 'customer_id'>; trace: TraceContext }
  | { type: 'customer'; customer: Pick<CustomerRow, 'id'>; trace: TraceContext };

type TemplateAbout<Subject extends NotificationSubject> = {
  [T in NotificationTemplate]: (typeof notificationTemplates)[T]['subject'] extends Subject ? T : never;
}[NotificationTemplate];

/** `about` distinguishes it from others of its template and subject. The money of a payment is added. */
export type WantedNotification<Subject extends NotificationSubject> = {
  [T in TemplateAbout<Subject>]: {
    template: T;
    about: string;
    data: Subject extends 'payment' ? Omit<NotificationData<T>, 'amount' | 'currency'> : NotificationData<T>;
  };
}[TemplateAbout<Subject>];

/** Requests a notification; requested before, it changes nothing. */
export function requestNotification<Subject extends NotificationSubject>(
  tx: Transaction,
  subject: SubjectRow & { type: Subject },
  { template, about, data }: WantedNotification<Subject>,
  { now, realNow }: Times,
  source: Source,
): void {
  const { id, customer_id, money, trace, ...ids } = factsOf(subject);
  appendToOutbox(
    tx,
    {
      topic: 'notifications.requested',
      id: notificationEventId(template, id, about),
      source,
      subject: id,
      key: customer_id,
      trace,
      data: {
        customer_id,
        template,
        ...ids,
        data: { ...money, ...data },
        not_before: now.toISOString(),
      },
    },
    realNow,
  );
}

interface SubjectFacts {
  id: string;
  customer_id: string;
  subscription_id: string | null;
  payment_id: string | null;
  money: { amount?: number; currency?: string };
  trace: TraceContext;
}

function factsOf(subject: SubjectRow): SubjectFacts {
  switch (subject.type) {
    case 'payment': {
      const { id, customer_id, subscription_id, amount, currency } = subject.payment;
      return {
        id,
        customer_id,
        subscription_id,
        payment_id: id,
        money: { amount: Number(amount), currency },
        trace: traceOfPayment(subject.payment),
      };
    }
    case 'subscription': {
      const { id, customer_id } = subject.subscription;
      const { trace } = subject;
      return { id, customer_id, subscription_id: id, payment_id: null, money: {}, trace };
    }
    case 'customer': {
      const { id } = subject.customer;
      const { trace } = subject;
      return { id, customer_id: id, subscription_id: null, payment_id: null, money: {}, trace };
    }
  }
}

/** Reads the event ids of the notifications that were requested about a payment. */
export async function notificationsFor(tx: Transaction, paymentId: string): Promise<ReadonlySet<string>> {
  return eventIdsAbout(tx, paymentId, 'notifications.requested');
}

/** Requests to notify of a payment that was paid after a failure was notified. @param attempt the one that succeeded */
export async function notifyRecovered(
  tx: Transaction,
  payment: PaymentRow,
  attempt: number,
  times: Times,
): Promise<void> {
  if ((await notificationsFor(tx, payment.id)).size === 0) return;
  const wanted = { template: 'payment_recovered', about: `attempt/${attempt}`, data: {} } as const;
  requestNotification(tx, { type: 'payment', payment }, wanted, times, '/payment-service');
}
