/** Statements over the periods of a subscription, each written together with the payment that it opens. */
import type { Line } from '../../domain/subscription/proration';
import type { TraceContext } from '../../domain/trace';
import type { Transaction } from '../../prisma/client';
import { Prisma } from '../../prisma/generated/client';
import { sql } from '../../prisma/sql';

type PeriodRow = Prisma.SubscriptionPeriodGetPayload<object>;

export type NewPeriod = Pick<
  PeriodRow,
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
  trace: TraceContext;
  renewal_run_id?: string;
  created_at: Date;
  updated_at: Date;
}

/** Writes a period with its payment, which is to be attempted. */
export function enqueuePeriodWithPayment(tx: Transaction, period: NewPeriod, payment: NewPayment): void {
  sql(tx).enqueue`WITH opened AS (${periodInsertion(period, payment.id)})
    ${paymentInsertion(period, payment, 'requested')}`;
}

/** Writes a period that is paid. @param paymentId what paid for it; null: it was free */
export function enqueuePaidPeriod(tx: Transaction, period: NewPeriod, paymentId: string | null): void {
  sql(tx).enqueue(periodInsertion(period, paymentId));
}

/** An INSERT that ends with its SELECT's list, so that a FROM may follow. */
export function periodInsertion(
  { subscription_id: id, index, start, end, currency, amount, paid_at: paidAt }: NewPeriod,
  paymentId: string | null,
): Prisma.Sql {
  return Prisma.sql`
    INSERT INTO subscription_periods (subscription_id, index, start, "end", currency, amount, paid_at,
      paid_recorded_at, payment_id)
    SELECT ${id}, ${index}, ${start}, ${end}, ${currency}, ${amount}, ${paidAt},
      CASE WHEN ${paidAt !== null} THEN date_trunc('milliseconds', clock_timestamp()) END, ${paymentId}`;
}

/** An INSERT as {@link periodInsertion}'s. @param status `processing`: its first attempt is written with it */
export function paymentInsertion(
  { subscription_id: id, index, currency }: NewPeriod,
  payment: NewPayment,
  status: 'requested' | 'processing',
): Prisma.Sql {
  return Prisma.sql`
    INSERT INTO payments (id, kind, status, customer_id, subscription_id, period_index, currency, amount, lines,
      provider, payment_method_id, announced, trace, renewal_run_id, created_at, updated_at)
    SELECT ${payment.id}, ${payment.kind}, ${status}, ${payment.customer_id}, ${id}, ${index}, ${currency},
      ${payment.amount}, ${JSON.stringify(payment.lines)}::jsonb, ${payment.provider},
      ${payment.payment_method_id}, ${payment.announced}, ${JSON.stringify(payment.trace)}::jsonb,
      ${payment.renewal_run_id ?? null}, ${payment.created_at}, ${payment.updated_at}`;
}

/** Ends a period early, where the next one begins. @throws Error when there is no such period: periods have no gap */
export async function endPeriodEarly(
  tx: Transaction,
  subscriptionId: string,
  index: number,
  end: Date,
): Promise<void> {
  const written = await sql(tx).execute`
    UPDATE subscription_periods SET "end" = ${end} WHERE subscription_id = ${subscriptionId} AND index = ${index}`;
  if (written !== 1) throw new Error(`subscription ${subscriptionId} has no period ${index}`);
}
