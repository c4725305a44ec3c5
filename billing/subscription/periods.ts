/** A period of a subscription: written with its payment in one statement. */
import type { Line } from '../../domain/subscription/proration';
import type { Transaction } from '../../prisma/client';
import { sql } from '../../prisma/sql';
import { Prisma } from '../../prisma/generated/client';

/** What is paid at once has no payment. */
export type NewPeriod = Pick<
  Prisma.SubscriptionPeriodGetPayload<object>,
  'subscription_id' | 'index' | 'start' | 'end' | 'currency' | 'paid_at'
> & { amount: number };

export interface NewPayment {
  id: string;
  kind: 'first' | 'renewal';
  customer_id: string;
  amount: number;
  lines: readonly Line[];
  provider: string | null;
  payment_method_id: string | null;
  announced: boolean;
  created_at: Date;
  updated_at: Date;
}

/** @param payment what is to be paid for the period; null: nothing */
export function insertPeriod(tx: Transaction, period: NewPeriod, payment: NewPayment | null): void {
  const insertion = periodInsertion(period, payment);
  if (payment === null) sql(tx).enqueue(insertion);
  else sql(tx).enqueue`WITH opened AS (${insertion}) ${paymentInsertion(period, payment, 'requested')}`;
}

/** An INSERT that ends with its SELECT's list, so that a FROM may follow. */
export function periodInsertion(
  { subscription_id: id, index, start, end, currency, amount, paid_at: paidAt }: NewPeriod,
  payment: NewPayment | null,
): Prisma.Sql {
  return Prisma.sql`
    INSERT INTO subscription_periods (subscription_id, index, start, "end", currency, amount, paid_at, payment_id)
    SELECT ${id}, ${index}, ${start}, ${end}, ${currency}, ${amount}, ${paidAt}, ${payment?.id ?? null}`;
}

/** An INSERT as {@link periodInsertion}'s. @param status `processing`: its first attempt is written with it */
export function paymentInsertion(
  { subscription_id: id, index, currency }: NewPeriod,
  payment: NewPayment,
  status: 'requested' | 'processing',
): Prisma.Sql {
  return Prisma.sql`
    INSERT INTO payments (id, kind, status, customer_id, subscription_id, period_index, currency, amount, lines,
      provider, payment_method_id, announced, created_at, updated_at)
    SELECT ${payment.id}, ${payment.kind}, ${status}, ${payment.customer_id}, ${id}, ${index}, ${currency},
      ${payment.amount}, ${JSON.stringify(payment.lines)}::jsonb, ${payment.provider},
      ${payment.payment_method_id}, ${payment.announced}, ${payment.created_at}, ${payment.updated_at}`;
}
