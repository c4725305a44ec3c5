/** The rows of a payment that failed: as a bulk retry finds them. */
import { declineCategory, type DeclineCode } from '../../domain/payment/payment';
import type { Database } from '../../prisma/client';

export interface FailedPayment {
  id: string;
  code?: DeclineCode;
  at?: string;
  amount?: number;
  currency?: string;
  provider?: string;
  /** Declined attempts before, with the same method, all of today. */
  attempts?: number;
  /** null: there is no payment method any more. */
  method?: 'usable' | null;
  /** Of a subscription with this plan, in this status; else a payment of its own. */
  plan?: string;
  status?: string;
}

/** Each has a customer and a payment method of its own. */
export async function writeFailed(db: Database, wanted: FailedPayment): Promise<void> {
  const { id, code = 'insufficient_funds', at = '2025-03-01T12:00:00Z', attempts = 1 } = wanted;
  const { amount = 1_000, currency = 'EUR', provider = 'sandbox', method = 'usable' } = wanted;
  const [customer, methodId] = [`cus_of_${id}`, `pm_of_${id}`];
  await db.customer.create({ data: { id: customer } });
  const deleted_at = method === null ? new Date(at) : null;
  const token = `tok_ok#${id}`;
  await db.paymentMethod.create({
    data: { id: methodId, customer_id: customer, provider, token, brand: 'mastercard', deleted_at },
  });
  const subscription = wanted.plan === undefined ? null : await writeSubscription(db, wanted, customer);
  await db.payment.create({
    data: {
      id,
      kind: subscription === null ? 'manual' : 'renewal',
      status: 'failed',
      customer_id: customer,
      subscription_id: subscription,
      period_index: subscription === null ? null : 2,
      currency,
      amount,
      provider,
      payment_method_id: methodId,
      announced: true,
      attempts: {
        create: Array.from({ length: attempts }, (_, before) => ({
          number: before + 1,
          idempotency_key: `${id}/${before + 1}`,
          trigger: 'manual',
          on_session: false,
          provider,
          payment_method_id: methodId,
          amount,
          currency,
          status: 'failed',
          failure: {
            category: declineCategory(code),
            code,
            provider_code: null,
            message: '',
            network_advice: null,
          },
          started_at: attempts === 1 ? new Date(at) : new Date(),
          settled_at: attempts === 1 ? new Date(at) : new Date(),
        })),
      },
    },
  });
}

async function writeSubscription(db: Database, { id, plan, status }: FailedPayment, customer: string) {
  const subscription = `sub_of_${id}`;
  const at = new Date('2025-03-01T12:00:00Z');
  await db.subscription.create({
    data: {
      id: subscription,
      version: 3,
      customer_id: customer,
      plan_id: plan ?? '',
      quantity: 1,
      status: status ?? 'past_due',
      currency: 'EUR',
      amount: 1_000,
      interval_unit: 'month',
      interval_count: 1,
      time_zone: 'UTC',
      billing_anchor: at,
      start_at: at,
      period_index: 2,
      period_start: at,
      period_end: new Date('2025-04-01T12:00:00Z'),
      period_paid: false,
      payment_method_id: `pm_of_${id}`,
      open_payment_id: id,
    },
  });
  return subscription;
}
