/**
 * A request of `notifications.requested`, confirmed by our own rows.
 *
 * Invariant: a record alone notifies no customer about money, nor about what is another customer's: our own row says the
 * same, or the record is put aside.
 */
import type { NotificationSubject } from '../../contracts/topics/notifications';
import type { EventData } from '../../contracts/topics/events';
import type { PaymentStatus } from '../../domain/payment/payment';
import type { Database } from '../../prisma/client';
import { timesFor } from '../clock';
import { paymentRow, type CustomerRow } from '../rows';
import { Unprocessable } from '../unprocessable';

type Requested = EventData<'notifications.requested'>;

export interface ConfirmedRequest {
  customer: Pick<CustomerRow, 'email' | 'name' | 'time_zone' | 'metadata' | 'erased_at'>;
  /** Of the payment that it is about; null: it is about none. */
  paymentStatus: PaymentStatus | null;
  /** The name of what was sold; null: it is about no subscription. */
  plan: string | null;
}

/**
 * Confirms a request.
 * @param subject what its template is about
 * @param values its data, as the template reads it
 * @throws Unprocessable
 */
export async function confirmRequest(
  db: Database,
  requested: Requested,
  subject: NotificationSubject,
  values: Readonly<Record<string, unknown>>,
): Promise<ConfirmedRequest> {
  const customer = await db.customer.findUnique({ where: { id: requested.customer_id } });
  if (customer === null) {
    throw new Unprocessable('unknown_customer', `there is no customer ${requested.customer_id}`);
  }
  const confirmed = await confirmSubject[subject](db, requested, values);
  const { now } = await timesFor(db, customer.test_clock_id);
  // Nothing is kept here until its time comes: a producer requests it then.
  if (Date.parse(requested.not_before) > now.getTime())
    throw new Unprocessable('not_due', `not before ${requested.not_before}`);
  return { customer, ...confirmed };
}

type Confirm = (
  db: Database,
  requested: Requested,
  values: Readonly<Record<string, unknown>>,
) => Promise<Omit<ConfirmedRequest, 'customer'>>;

const confirmSubject: Readonly<Record<NotificationSubject, Confirm>> = {
  async payment(db, { payment_id: id, customer_id, subscription_id }, values) {
    if (id === null) throw invalid('it is about no payment');
    const found = await db.payment.findUnique({
      where: { id },
      include: { subscription: { select: { plan: { select: { name: true } } } } },
    });
    if (found === null) throw new Unprocessable('unknown_payment', `there is no payment ${id}`);
    const payment = paymentRow(found);
    const isOurs =
      payment.customer_id === customer_id &&
      payment.subscription_id === subscription_id &&
      payment.currency === values['currency'] &&
      Number(payment.amount) === values['amount'];
    if (!isOurs) throw new Unprocessable('contradicts_payment', `${id} is not as it says`);
    return { paymentStatus: payment.status, plan: found.subscription?.plan.name ?? null };
  },

  async subscription(db, { payment_id, subscription_id: id, customer_id }) {
    if (id === null) throw invalid('it is about no subscription');
    if (payment_id !== null) throw invalid('it is about a subscription, not about a payment');
    const subscription = await db.subscription.findUnique({
      where: { id },
      select: { customer_id: true, plan: { select: { name: true } } },
    });
    if (subscription === null)
      throw new Unprocessable('unknown_subscription', `there is no subscription ${id}`);
    if (subscription.customer_id !== customer_id)
      throw new Unprocessable('contradicts_subscription', `${id} is another customer's`);
    return { paymentStatus: null, plan: subscription.plan.name };
  },

  async customer(_db, { payment_id, subscription_id }) {
    if (payment_id !== null || subscription_id !== null)
      throw invalid('it is about a customer, not about a payment or a subscription');
    return { paymentStatus: null, plan: null };
  },
};

function invalid(message: string): Unprocessable {
  return new Unprocessable('invalid_notification', message);
}
