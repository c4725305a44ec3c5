/** Customers and failed payments, and records of another service that asks for a payment or a retry. */
import { acceptRequested } from '../../billing/payment/requested-payments';
import { acceptRetryRequest } from '../../billing/retry/prompts';
import type { EventData } from '../../contracts/topics/events';
import type { Database } from '../../prisma/client';
import { writeFailed } from './failed-payment';
import { outside, outsider, recordOf } from './outside';

export type Requested = EventData<'payments.requested'>;
export type Retry = EventData<'payments.retry.requested'>;

/** Whom the records name: it is not verified. */
export const operator = { kind: 'operator', id: 'op_anna', reason: 'believe me' } as const;

let written = 0;

/** A customer with a card, and with one that was deleted. */
export async function writeCustomer(db: Database) {
  written += 1;
  const [id, method] = [`cus_out_${written}`, `pm_out_${written}`];
  await db.customer.create({ data: { id, default_payment_method_id: method } });
  const card = { customer_id: id, provider: 'sandbox', token: 'tok_ok' };
  await db.paymentMethod.createMany({
    data: [
      { id: method, ...card },
      { id: `${method}_deleted`, ...card, deleted_at: new Date() },
    ],
  });
  return { id, method };
}

/** What a record asks for. */
export const asked = (customerId: string, more: Partial<Requested> = {}): Requested => ({
  payment_id: `pay_for_${customerId}`,
  customer_id: customerId,
  subscription_id: null,
  amount: 1_500,
  currency: 'EUR',
  payment_method_id: null,
  reason: 'usage of March',
  actor: operator,
  ...more,
});

/** A failed payment, and what a record that asks for a retry of it has. */
export async function writeOwed(db: Database, more: Partial<Retry> = {}): Promise<Retry> {
  written += 1;
  const id = `pay_owed_${written}`;
  await writeFailed(db, { id });
  return {
    payment_id: id,
    subscription_id: null,
    customer_id: `cus_of_${id}`,
    retry_request_id: `crm-${id}`,
    payment_method_id: null,
    reason: 'they called',
    actor: operator,
    ...more,
  };
}

/** Has records accepted, or refused; of the outsider where no source is given. */
export const accepting = (db: Database) => ({
  payment: (data: Requested, rules = outside(), source: string | undefined = outsider) =>
    acceptRequested(db, recordOf<'payments.requested'>(data, { source }), rules),
  retry: (data: Retry, rules = outside(), source: string | undefined = outsider) =>
    acceptRetryRequest(db, recordOf<'payments.retry.requested'>(data, { source }), rules),
});
