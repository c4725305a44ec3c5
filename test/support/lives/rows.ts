/** What the rows of one customer say after a step, read at once. */
import type { PaymentKind, PaymentStatus } from '../../../domain/payment/payment';
import type { RefundStatus } from '../../../domain/payment/refund';
import type { SubscriptionStatus } from '../../../domain/subscription/subscription';
import type { Database } from '../../../prisma/client';

export interface LifeRows {
  /** Sums of all entries; debit +, credit -. Owner: a subscription; empty: the customer. */
  sums: { owner: string; account: string; source: string; amount: number }[];
  subs: SubscriptionFigures[];
  /** In the order in which their money is applied. */
  payments: PaymentFigures[];
  refunds: RefundFigures[];
  /** Transactions of the ledger. */
  written: number;
}

export interface SubscriptionFigures {
  id: string;
  status: SubscriptionStatus;
  version: number;
  plan_id: string;
  quantity: number;
  amount: number;
  period_index: number | null;
  period_start: string | null;
  period_end: string | null;
  period_paid: boolean | null;
  open_payment_id: string | null;
  cancel_at: string | null;
  paused_from: string | null;
  pending: string | null;
}

export interface PaymentFigures {
  id: string;
  kind: PaymentKind;
  status: PaymentStatus;
  subscription_id: string | null;
  period_index: number | null;
  amount: number;
  unapplied: number;
  disputed: number;
  lost: number;
  attempts: number;
  /** Of the latest attempt. */
  is_open: boolean;
}

export interface RefundFigures {
  id: string;
  payment_id: string;
  amount: number;
  status: RefundStatus;
  is_released: boolean;
  idempotency_key: string;
}

export async function readRows(db: Database, customerId: string): Promise<LifeRows> {
  const [row] = await db.$queryRaw<[{ rows: LifeRows }]>`
    SELECT json_build_object(
      'sums', (SELECT coalesce(json_agg(sums), '[]') FROM (
        SELECT coalesce(entry.subscription_id, '') AS owner, account, source, sum(amount) AS amount
        FROM ledger_transactions AS whole JOIN ledger_entries AS entry ON entry.transaction_id = whole.id
        WHERE whole.customer_id = ${customerId} GROUP BY 1, 2, 3 HAVING sum(amount) <> 0 ORDER BY 1, 2, 3) AS sums),
      'subs', (SELECT coalesce(json_agg(subs), '[]') FROM (
        SELECT id, status, version, plan_id, quantity, amount, period_index, period_start, period_end, period_paid,
          open_payment_id, cancel_at, paused_from, pending_change ->> 'effective' AS pending
        FROM subscriptions WHERE customer_id = ${customerId} ORDER BY id) AS subs),
      'payments', (SELECT coalesce(json_agg(payments), '[]') FROM (
        SELECT id, kind, status, subscription_id, period_index, amount, unapplied_amount AS unapplied,
          disputed_amount AS disputed, lost_amount AS lost, attempts.count AS attempts,
          coalesce(attempts.is_open, true) AS is_open
        FROM payments LEFT JOIN LATERAL (
          SELECT count(*), (array_agg(settled_at IS NULL ORDER BY number DESC))[1] AS is_open
          FROM payment_attempts WHERE payment_id = payments.id) AS attempts ON true
        WHERE customer_id = ${customerId} ORDER BY created_at, id) AS payments),
      'written', (SELECT count(*) FROM ledger_transactions WHERE customer_id = ${customerId}),
      'refunds', (SELECT coalesce(json_agg(refunds), '[]') FROM (
        SELECT refunds.id, payment_id, refunds.amount, refunds.status, released_at IS NOT NULL AS is_released,
          idempotency_key
        FROM refunds JOIN payments ON payments.id = payment_id
        WHERE customer_id = ${customerId} ORDER BY refunds.created_at, refunds.id) AS refunds)) AS rows`;
  return row.rows;
}
