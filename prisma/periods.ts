/** A period of a subscription: written with its payment in one statement, and paid. */
import type { Line } from '../domain/proration';
import type { Transaction } from './client';
import { direct } from './direct';
import { Prisma } from './generated/client';

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
  const { subscription_id: id, index, start, end, currency, amount, paid_at: paidAt } = period;
  const insertion = Prisma.sql`
    INSERT INTO subscription_periods (subscription_id, index, start, "end", currency, amount, paid_at, payment_id)
    VALUES (${id}, ${index}, ${start}, ${end}, ${currency}, ${amount}, ${paidAt}, ${payment?.id ?? null})`;
  if (payment === null) {
    direct(tx).send(insertion);
    return;
  }
  direct(tx).send`
    WITH opened AS (${insertion})
    INSERT INTO payments (id, kind, status, customer_id, subscription_id, period_index, currency, amount, lines,
      provider, payment_method_id, announced, created_at, updated_at)
    VALUES (${payment.id}, ${payment.kind}, 'requested', ${payment.customer_id}, ${id}, ${index}, ${currency},
      ${payment.amount}, ${JSON.stringify(payment.lines)}::jsonb, ${payment.provider},
      ${payment.payment_method_id}, ${payment.announced}, ${payment.created_at}, ${payment.updated_at})`;
}

/** @param at the customer's time */
export function markPeriodPaid(tx: Transaction, subscriptionId: string, index: number, at: Date): void {
  direct(tx).send`
    UPDATE subscription_periods SET paid_at = ${at} WHERE subscription_id = ${subscriptionId} AND index = ${index}`;
}
