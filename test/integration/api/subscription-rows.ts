/** The rows that the services behind the API would have written. */
import type { SubscriptionCreation } from '../../../contracts/workflows/commands';
import type { Database } from '../../../prisma/client';
import { fixedNow } from './test-api';

export const declined = {
  category: 'soft',
  code: 'insufficient_funds',
  provider_code: 'nsf',
  message: 'Not enough money.',
  network_advice: null,
};

/** What the subscription's process would have written. */
export async function writeRows(
  db: Database,
  creation: SubscriptionCreation,
  status: string,
  payment: string | null,
  version = 1,
): Promise<void> {
  const paymentId = payment === null ? null : `pay_of_${creation.subscription_id}`;
  await db.subscription.create({
    data: {
      id: creation.subscription_id,
      version,
      customer_id: creation.customer_id,
      plan_id: creation.plan_id,
      quantity: creation.quantity,
      status,
      currency: 'EUR',
      amount: 1000,
      interval_unit: 'month',
      interval_count: 1,
      time_zone: 'UTC',
      billing_anchor: fixedNow,
      start_at: fixedNow,
      period_index: 1,
      period_start: fixedNow,
      period_end: new Date('2027-02-15T12:00:00.000Z'),
      period_paid: payment === 'completed',
      payment_method_id: creation.payment_method_id,
      first_payment_id: paymentId,
    },
  });
  if (paymentId === null || payment === null) return;
  const settled = payment === 'completed' || payment === 'failed';
  await db.payment.create({
    data: {
      id: paymentId,
      kind: 'first',
      status: payment,
      customer_id: creation.customer_id,
      subscription_id: creation.subscription_id,
      period_index: 1,
      currency: 'EUR',
      amount: 1000,
      announced: false,
      next_action:
        payment === 'requires_action'
          ? { type: 'redirect', url: 'https://bank.example/3ds', expires_at: null }
          : undefined,
      attempts: {
        create: {
          number: 1,
          idempotency_key: `${paymentId}/1`,
          trigger: 'first',
          on_session: true,
          amount: 1000,
          currency: 'EUR',
          status: payment,
          failure: payment === 'failed' ? declined : undefined,
          started_at: fixedNow,
          settled_at: settled ? fixedNow : null,
        },
      },
    },
  });
}
