/** Payments of their own that failed a moment ago, written straight into the database. */
import type { Client } from 'pg';

/** Why they failed; the sandbox provider never says this, so nothing else failed for it. */
export const failedFor = 'try_again_later';

/**
 * One payment for each token, each with a payment method of its own and one declined attempt; all of one customer.
 * @param name tells their ids apart: `pay_{name}_1` and so on
 */
export async function writeFailedPayments(
  db: Pick<Client, 'query'>,
  name: string,
  tokens: readonly string[],
): Promise<void> {
  const declined = {
    category: 'soft',
    code: failedFor,
    provider_code: null,
    message: 'Try again later.',
    network_advice: null,
  };
  await db.query(`INSERT INTO customers (id) VALUES ($1)`, [`cus_${name}`]);
  await db.query(
    `INSERT INTO payment_methods (id, customer_id, provider, token, brand)
     SELECT 'pm_' || $1 || '_' || n, 'cus_' || $1, 'sandbox', token, 'visa'
     FROM unnest($2::text[]) WITH ORDINALITY AS given(token, n)`,
    [name, tokens],
  );
  await db.query(
    `INSERT INTO payments (id, kind, status, customer_id, currency, amount, provider, payment_method_id, reason, announced)
     SELECT 'pay_' || $1 || '_' || n, 'manual', 'failed', 'cus_' || $1, 'EUR', 1000, 'sandbox',
       'pm_' || $1 || '_' || n, 'fee', true
     FROM generate_series(1, $2::int) AS n`,
    [name, tokens.length],
  );
  await db.query(
    `INSERT INTO payment_attempts (payment_id, number, idempotency_key, trigger, on_session, provider,
       payment_method_id, amount, currency, status, failure, settled_by, started_at, settled_at)
     SELECT 'pay_' || $1 || '_' || n, 1, 'pay_' || $1 || '_' || n || '/1', 'manual', false, 'sandbox',
       'pm_' || $1 || '_' || n, 1000, 'EUR', 'failed', $3, 'answer', now(), now()
     FROM generate_series(1, $2::int) AS n`,
    [name, tokens.length, declined],
  );
}
