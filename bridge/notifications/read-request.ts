/**
 * A request of notifications.requested, with the rows that it is about.
 *
 * Invariant: nobody is told about money, or about another customer's payment, by a record alone: our own row says the
 * same, or the record is put aside.
 */
import type { ReadEvent } from '../../contracts/topics/envelope';
import { notificationData, type NotificationTemplate } from '../../contracts/topics/notifications';
import type { Database } from '../../prisma/client';
import { timesFor } from '../../billing/clock';
import type { Prisma } from '../../prisma/generated/client';
import { Unprocessable } from '../../billing/unprocessable';
import type { Message } from './render';

export interface ReadRequest {
  message: Message;
  customer: Prisma.CustomerGetPayload<object>;
  payment: Prisma.PaymentGetPayload<object>;
  /** The name of what was sold; null: the payment stands for itself. */
  plan: string | null;
}

/** It becomes a header of the webhook. */
const wellFormedId = /^[\x21-\x7e]{1,255}$/;

/** @throws Unprocessable */
export async function readRequest(
  db: Database,
  { id, data }: ReadEvent<'notifications.requested'>,
): Promise<ReadRequest> {
  if (!wellFormedId.test(id)) throw invalid('the id is not printable ASCII of 255 characters at most');
  const message = messageOf(data.template, data.data);
  const customer = await db.customer.findUnique({ where: { id: data.customer_id } });
  if (customer === null) {
    throw new Unprocessable('unknown_customer', `there is no customer ${data.customer_id}`);
  }
  const { payment, plan } = await paymentOf(db, data, message);
  const { now } = await timesFor(db, customer.test_clock_id);
  // Nothing is kept here until its time comes: who asks, asks then.
  if (Date.parse(data.not_before) > now.getTime())
    throw new Unprocessable('not_due', `not before ${data.not_before}`);
  return { message, customer, payment, plan };
}

function messageOf(template: string, data: unknown): Message {
  if (!Object.hasOwn(notificationData, template)) throw invalid('there is no such template');
  const name = template as NotificationTemplate;
  const parsed = notificationData[name].safeParse(data);
  if (!parsed.success) throw invalid(`data is not what ${name} needs`);
  return { template: name, data: parsed.data } as Message;
}

async function paymentOf(
  db: Database,
  asked: ReadEvent<'notifications.requested'>['data'],
  { data }: Message,
): Promise<Pick<ReadRequest, 'payment' | 'plan'>> {
  const { payment_id: id, customer_id, subscription_id } = asked;
  if (id === null) throw invalid('it is about no payment');
  const found = await db.payment.findUnique({
    where: { id },
    include: { subscription: { select: { plan: { select: { name: true } } } } },
  });
  if (found === null) throw new Unprocessable('unknown_payment', `there is no payment ${id}`);
  const { subscription, ...payment } = found;
  const isOurs =
    payment.customer_id === customer_id &&
    payment.subscription_id === subscription_id &&
    payment.currency === data.currency &&
    Number(payment.amount) === data.amount;
  if (!isOurs) throw new Unprocessable('contradicts_payment', `${id} is not as it says`);
  return { payment, plan: subscription?.plan.name ?? null };
}

function invalid(message: string): Unprocessable {
  return new Unprocessable('invalid_notification', message);
}
