/** Statements over what stands beside the ledger's entries. The caller holds the locks of the rows that it writes. */
import type { CreditPart } from '../../domain/ledger/state';
import type { Database, Transaction } from '../../prisma/client';
import { sql } from '../../prisma/sql';
import type { MoneyColumns } from './money-columns';

/** Writes the money of a subscription beside its version: what moved is no change of what is sold. */
export function enqueueMoney(tx: Transaction, subscriptionId: string, money: MoneyColumns): void {
  sql(tx).enqueue`
    UPDATE subscriptions SET balance = ${money.balance}, waiting_lines = ${JSON.stringify(money.waiting_lines)}::jsonb,
      ledger_state = ${JSON.stringify(money.ledger_state)}::jsonb
    WHERE id = ${subscriptionId}`;
}

/** A payment whose money funds nothing new. */
export interface DisputedPayment {
  id: string;
  /** A bank still decides about it; else all of it has gone. */
  is_undecided: boolean;
}

/** Of these payments, those whose money funds nothing new: it is under dispute, or all of it has gone. */
export async function findDisputed(
  on: Database | Transaction,
  paymentIds: readonly string[],
): Promise<DisputedPayment[]> {
  return sql(on).query<DisputedPayment[]>`
    SELECT id, disputed_amount <> 0 OR status = 'disputed' AND lost_amount + refunded_amount < amount AS is_undecided
    FROM payments WHERE id = ANY(${paymentIds})
      AND (disputed_amount <> 0 OR status = 'disputed' OR lost_amount + refunded_amount >= amount)`;
}

/** Records what of a payment is not applied from now on. */
export function enqueueUnapplied(tx: Transaction, paymentId: string, amount: number): void {
  sql(tx).enqueue`UPDATE payments SET unapplied_amount = ${amount} WHERE id = ${paymentId}`;
}

/** Reads a customer's credit in one currency, without a lock. */
export async function findCustomerCredit(
  on: Database | Transaction,
  customerId: string,
  currency: string,
): Promise<CreditPart[]> {
  const [row] = await sql(on).query<{ funds: CreditPart[] }[]>`
    SELECT funds FROM customer_balances WHERE customer_id = ${customerId} AND currency = ${currency}`;
  return row?.funds ?? [];
}

/** What is reserved to go back of a payment. */
export interface RefundingPart {
  currency: string;
  source: string;
  /** Minor units. */
  amount: number;
}

/**
 * Adds up what of a customer's payments stands in `refunding`, by the refunds that hold it there: pending, or failed and
 * not given up.
 */
export async function sumRefunding(on: Database, customerId: string): Promise<RefundingPart[]> {
  const rows = await sql(on).query<(Omit<RefundingPart, 'amount'> & { amount: bigint })[]>`
    SELECT refund.currency, refund.payment_id AS source, sum(refund.amount)::bigint AS amount
    FROM payments JOIN refunds AS refund ON refund.payment_id = payments.id
    WHERE payments.customer_id = ${customerId} AND refund.status <> 'succeeded'
      AND refund.released_at IS NULL AND refund.taken IS NOT NULL
    GROUP BY refund.currency, refund.payment_id
    ORDER BY refund.currency, min(refund.created_at), refund.payment_id`;
  return rows.map((row) => ({ ...row, amount: Number(row.amount) }));
}
