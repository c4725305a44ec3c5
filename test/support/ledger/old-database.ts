/** Rows as a version without a ledger left them: each subscription is of a customer of its own. */
import type { Prisma } from '../../../prisma/generated/client';
import type { Database } from '../../../prisma/client';

const dayMs = 86_400_000;
const begun = Date.now();

/** @param days from when the tests began; the present periods are from -15 to 15 */
export function inDays(days: number): Date {
  return new Date(begun + days * dayMs);
}

export interface OldRow {
  status?: string;
  price?: number;
  /** What the present period cost when it opened; left out: the price. */
  periodPrice?: number;
  balance?: number;
  columns?: Partial<Prisma.SubscriptionUncheckedCreateInput>;
  payments?: OldPaymentRow[];
}

export interface OldPaymentRow {
  /** Behind the subscription's id and `_`. */
  name: string;
  kind?: string;
  status?: string;
  amount?: number;
  index?: number | null;
  days?: number;
  refunds?: { amount: number; status: string }[];
}

/** Writes a subscription: its present period is the third, paid, and half of it is over. */
export async function writeOldRow(db: Database, id: string, row: OldRow = {}): Promise<void> {
  const { status = 'active', price = 1000, balance = 0, payments = [{ name: 'p3' }] } = row;
  await db.customer.create({ data: { id: `cus_${id}`, time_zone: 'UTC' } });
  const period = { period_index: 3, period_start: inDays(-15), period_end: inDays(15), period_paid: true };
  const dates = { billing_anchor: inDays(-75), start_at: inDays(-75) };
  const plan = { plan_id: 'gold', quantity: 1, currency: 'EUR', interval_unit: 'month', interval_count: 1 };
  const { period_index: index = 3, ...columns } = row.columns ?? {};
  await db.subscription.create({
    data: {
      id,
      version: 3,
      customer_id: `cus_${id}`,
      status,
      amount: price,
      balance,
      time_zone: 'UTC',
      ...plan,
      ...dates,
      ...period,
      period_index: index,
      ...columns,
    },
  });
  if (index !== null) {
    const dates = { start: columns.period_start ?? inDays(-15), end: columns.period_end ?? inDays(15) };
    const amount = row.periodPrice ?? price;
    await db.subscriptionPeriod.create({
      data: { subscription_id: id, index, ...dates, currency: 'EUR', amount },
    });
  }
  for (const payment of payments)
    await writeOldPayment(db, { subscription: id, customer: `cus_${id}` }, payment);
}

/** Writes a payment; settled ones with the attempt that settled them. */
export async function writeOldPayment(
  db: Database,
  of: { subscription: string | null; customer: string },
  {
    name,
    kind = 'renewal',
    status = 'completed',
    amount = 1000,
    index = 3,
    days = -15,
    refunds = [],
  }: OldPaymentRow,
): Promise<void> {
  const id = of.subscription === null ? name : `${of.subscription}_${name}`;
  const at = inDays(days);
  const common = { amount, currency: 'EUR', provider: 'sandbox' };
  const given = refunds
    .filter((refund) => refund.status === 'succeeded')
    .reduce((sum, { amount: part }) => sum + part, 0);
  const isPaid = ['completed', 'partially_refunded', 'refunded'].includes(status);
  await db.payment.create({
    data: {
      id,
      kind,
      status,
      customer_id: of.customer,
      subscription_id: of.subscription,
      period_index: index,
      ...common,
      refunded_amount: Math.min(given, amount),
      announced: true,
      created_at: at,
      updated_at: at,
      attempts: {
        create: {
          number: 1,
          idempotency_key: `${id}/1`,
          trigger: 'renewal',
          on_session: false,
          ...common,
          status: isPaid ? 'completed' : 'failed',
          provider_reference: `ch_${id}`,
          started_at: at,
          settled_at: at,
        },
      },
      refunds: {
        create: refunds.map((refund, number) => ({
          id: `ref_${id}_${number}`,
          attempt: 1,
          currency: 'EUR',
          reason: 'asked',
          ...refund,
          idempotency_key: `${id}/refund/${number}`,
          created_at: at,
          requested_by: {},
          settled_at: refund.status === 'pending' ? null : at,
        })),
      },
    },
  });
}
