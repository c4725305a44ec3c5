/**
 * Rows of many subscriptions with a year of history, written by SQL alone.
 *
 * Nearly all is well, as in life: of a hundred subscriptions 88 are active, two are in dunning, five are cancelled;
 * one of two hundred has a payment that is open at its bank. What is stuck comes by {@link findings}. The results of
 * changes are left empty, so the first thousand, whose timelines may be read, have none.
 */

export interface Scale {
  subscriptions: number;
  /** Of each. */
  periods: number;
  /** Of each, the newest periods'. */
  payments: number;
}

/** The subscription `n` of one to all; `d` is the last digits of its number. */
const statusOf = `CASE WHEN d < 88 THEN 'active' WHEN d < 90 THEN 'past_due' WHEN d < 91 THEN 'paused'
  WHEN d < 92 THEN 'trialing' WHEN d < 97 THEN 'cancelled' WHEN d < 98 THEN 'expired'
  WHEN n % 1000 = 999 THEN 'incomplete' ELSE 'scheduled' END`;
/** How old it is: the first one a year. */
const age = (subscriptions: number) => `interval '365 days' * (${subscriptions} - n) / ${subscriptions}`;
/** Where in its month it is. */
const left = `(n * 37 % 43200 + 10) * interval '1 minute'`;
const key = (prefix: string, number = 'n') => `'${prefix}_' || lpad((${number})::text, 20, '0')`;
const paymentKey = `'pay_' || lpad(n::text, 16, '0') || lpad(k::text, 4, '0')`;
/** As of a period that began with the month, nothing earned of it yet; of what has ended, nothing. */
const ledgerState = `CASE WHEN status IN ('active', 'past_due', 'paused') THEN jsonb_build_object('period',
    jsonb_build_object('start', now() + ${left} - interval '30 days', 'end', now() + ${left}),
    'earned_until', now() + ${left} - interval '30 days', 'reckoned_at', now() + ${left} - interval '30 days',
    'revision', 3, 'held_for', null, 'funds', '[{"source": "owed", "unearned": 1000, "used": 0, "credit": 0, "held": 0,
      "receivable": 0, "written_off": 0}]'::jsonb)
  ELSE '{"period": null, "earned_until": null, "reckoned_at": null, "revision": 3, "held_for": null, "funds": []}'::jsonb
  END`;
const actor = `'{"kind": "system", "id": "size", "reason": null}'::jsonb`;

/** Each writes one table; they depend on no order where no foreign keys are checked. */
export function rowStatements({ subscriptions, periods, payments }: Scale): string[] {
  const each = `generate_series(1, ${subscriptions}) AS n`;
  const digits = `CROSS JOIN LATERAL (SELECT n % 100 AS d) AS digits`;
  const some = (every: number) => `generate_series(${every}, ${subscriptions}, ${every}) AS n`;
  const written = `now() - ${age(subscriptions)}`;
  const paid = `${each} ${digits} CROSS JOIN generate_series(1, ${payments}) AS k CROSS JOIN LATERAL (
    SELECT CASE WHEN k = ${payments} AND d IN (88, 89) THEN 'failed'
      WHEN k = ${payments} AND n % 200 = 50 THEN 'pending' ELSE 'completed' END AS status,
      now() + ${left} - (${payments} - k + 1) * interval '30 days' AS at) AS one`;
  return [
    `INSERT INTO plans (id, name, currency, amount, interval_unit, interval_count)
      SELECT 'plan_' || n, 'Plan', 'EUR', 1000, 'month', 1 FROM generate_series(0, 9) AS n`,
    `INSERT INTO customers (id, test_clock_id, default_payment_method_id, created_at)
      SELECT ${key('cus')}, CASE WHEN n <= 10 THEN 'clk_size' END, ${key('pm')}, ${written} FROM ${each}`,
    `INSERT INTO payment_methods (id, customer_id, provider, token, fingerprint, created_at)
      SELECT ${key('pm')}, ${key('cus')}, 'sandbox', 'tok_ok', md5(n::text), ${written} FROM ${each}`,
    `INSERT INTO subscriptions (id, version, customer_id, plan_id, quantity, status, currency, amount, interval_unit,
        interval_count, time_zone, billing_anchor, start_at, period_index, period_start, period_end, period_paid,
        open_payment_id, first_payment_id, test_clock_id, ledger_state, next_due_at, created_at, updated_at)
      SELECT ${key('sub')}, 14, ${key('cus')}, 'plan_' || n % 10, 1, status, 'EUR', 1000, 'month',
        1, 'UTC', now(), now(), ${periods}, now() + ${left} - interval '30 days', now() + ${left}, status <> 'past_due',
        CASE WHEN d IN (88, 89) OR n % 200 = 50 THEN 'pay_' || lpad(n::text, 16, '0') || lpad('${payments}', 4, '0') END,
        'pay_' || lpad(n::text, 16, '0') || '0001', CASE WHEN n <= 10 THEN 'clk_size' END,
        ${ledgerState},
        CASE WHEN status IN ('active', 'past_due', 'trialing', 'scheduled') THEN now() + ${left} END, ${written},
        now() + ${left} - interval '30 days'
      FROM ${each} ${digits} CROSS JOIN LATERAL (SELECT ${statusOf} AS status) AS one`,
    `INSERT INTO subscription_periods (subscription_id, index, start, "end", currency, amount, paid_at)
      SELECT ${key('sub')}, k, at, at + interval '30 days', 'EUR', 1000, at
      FROM ${each} CROSS JOIN generate_series(1, ${periods}) AS k CROSS JOIN LATERAL (
        SELECT now() + ${left} - (${periods} - k + 1) * interval '30 days' AS at) AS one`,
    `INSERT INTO payments (id, version, kind, status, customer_id, subscription_id, period_index, currency, amount,
        provider, payment_method_id, next_attempt_at, next_notice_at, announced, created_at, updated_at)
      SELECT ${paymentKey}, 3, 'renewal', status, ${key('cus')}, ${key('sub')}, ${periods - payments} + k, 'EUR', 1000,
        'sandbox', ${key('pm')}, CASE WHEN status = 'failed' THEN now() + ${left} END,
        CASE WHEN status = 'failed' AND n % 2 = 0 THEN now() + ${left} END, true, at, at
      FROM ${paid}`,
    `INSERT INTO payment_attempts (payment_id, number, idempotency_key, trigger, on_session, provider,
        payment_method_id, amount, currency, status, provider_reference, failure, settled_by, last_call_ended_at,
        next_question_at, open_since, started_at, began_at, settled_at)
      SELECT ${paymentKey}, 1, ${paymentKey} || '/1', 'renewal', false, 'sandbox', ${key('pm')}, 1000, 'EUR', status,
        'ch_' || n || '_' || k,
        CASE WHEN status = 'failed' THEN '{"code": "insufficient_funds", "category": "soft", "message": "No."}'::jsonb END,
        CASE WHEN status <> 'pending' THEN 'answer' END, at,
        CASE WHEN status = 'pending' THEN now() + interval '1 hour' END,
        CASE WHEN status = 'pending' THEN now() - interval '1 hour' END, at, at,
        CASE WHEN status <> 'pending' THEN at END
      FROM ${paid}`,
    `INSERT INTO retry_plans (payment_id, sequence, after_attempt, kind, at, reason, payment_method_id, policy_id,
        policy_version, created_at)
      SELECT ${paymentKey}, 1, 1, 'attempt', now() + ${left}, 'retry', ${key('pm')}, 'default', 1, at
      FROM ${paid} WHERE status = 'failed'`,
    `INSERT INTO outbox_events (event_id, topic, key, shard, subject, payload, created_at, published_at)
      SELECT ${paymentKey} || '/1', 'payments.completed', ${key('sub')}, n % 8, ${paymentKey},
        '{"data": {"payment_id": "' || n || '", "text": "' || repeat('x', 200) || '"}}', at, at
      FROM ${paid} WHERE status = 'completed'`,
    `INSERT INTO changes (subject_id, version, command_id, changes, actor, result, at)
      SELECT ${key('sub')}, 14, ${key('sub')} || '/14', ARRAY['created'], ${actor}, '{}'::jsonb, ${written} FROM ${each} WHERE n > 1000`,
    `INSERT INTO ledger_transactions (id, kind, customer_id, subscription_id, payment_id, currency, at, recorded_at, actor)
      SELECT ${key('sub')} || '/opened', 'period_opened', ${key('cus')}, ${key('sub')}, 'pay_' || n, 'EUR', ${written},
        ${written}, ${actor} FROM ${each}`,
    `INSERT INTO ledger_entries (transaction_id, position, kind, account, source, amount, currency, customer_id,
        subscription_id)
      SELECT ${key('sub')} || '/opened', k, 'period_opened', CASE WHEN k = 1 THEN 'receivable' ELSE 'unearned' END, 'owed',
        CASE WHEN k = 1 THEN 1000 ELSE -1000 END, 'EUR', ${key('cus')}, ${key('sub')}
      FROM ${each} CROSS JOIN generate_series(1, 2) AS k`,
    `INSERT INTO webhook_deliveries (id, provider, provider_event_id, event_type, payment_id, body, headers, event, status,
        outcome, created_at, processed_at)
      SELECT ${key('whd')}, 'stripe', 'evt_' || n, 'charge.succeeded', 'pay_' || lpad(n::text, 16, '0') || '0001',
        CASE WHEN n > ${subscriptions} * 0.8 THEN '{}'::bytea END, '{}', '{}', 'processed', 'settled', ${written}, ${written}
      FROM ${each}`,
    `INSERT INTO notifications (id, event_id, template, customer_id, subscription_id, channel, status, requested_at,
        created_at, sent_at)
      SELECT ${key('ntf')}, 'ntf/' || n, 'payment_failed', ${key('cus')}, ${key('sub')}, 'mail', 'sent', ${written},
        ${written}, ${written} FROM ${some(2)}`,
    `INSERT INTO audit_log (at, actor, action, subject_id, request_id, status)
      SELECT ${written}, ('{"kind": "api_key", "id": "key_' || n % 20 || '", "reason": null}')::jsonb,
        'POST /subscriptions', ${key('sub')}, 'req_' || n, 201 FROM ${each}`,
    `INSERT INTO idempotency_keys (api_key_id, key, request_hash, lease_until, lease_holder, status, headers, body,
        created_at, completed_at)
      SELECT 'key_' || n % 20, 'order-' || n, md5(n::text), ${written}, 'size', 201, '{}',
        jsonb_build_object('id', ${key('sub')}), ${written}, ${written} FROM ${each}`,
    `INSERT INTO refunds (id, payment_id, attempt, amount, currency, status, reason, idempotency_key, provider_reference,
        requested_by, created_at, settled_at)
      SELECT ${key('rfd')}, 'pay_' || lpad(n::text, 16, '0') || '0001', 1, 10, 'EUR', 'succeeded', 'requested',
        'rfd/' || n, 're_' || n, ${actor}, ${written}, ${written} FROM ${some(20)}`,
    `INSERT INTO disputes (id, payment_id, provider, provider_reference, amount, currency, status, attempt, closed_at)
      SELECT ${key('dsp')}, 'pay_' || lpad(n::text, 16, '0') || '0001', 'stripe', 'dp_' || n, 10, 'EUR', 'won', 1, now()
      FROM ${some(100)}`,
    `INSERT INTO bulk_retries (id, status, filter, reason, actor, rate_per_second, total, released)
      VALUES ('brt_size', 'completed', '{}', 'size', ${actor}, 10, ${Math.floor(subscriptions / 10)}, 0)`,
    `INSERT INTO bulk_retry_payments (bulk_retry_id, position, payment_id)
      SELECT 'brt_size', n / 10, 'pay_' || lpad(n::text, 16, '0') || '0001' FROM ${some(10)}`,
    `INSERT INTO retry_requests (id, payment_id, reason, actor, status, bulk_retry_id, requested_at, settled_at)
      SELECT ${key('rtr')}, 'pay_' || lpad(n::text, 16, '0') || '0001', 'size', ${actor}, 'attempted', 'brt_size',
        ${written}, ${written} FROM ${some(10)}`,
    `INSERT INTO operator_tasks (id, kind, subject_type, subject_id, detail, status, created_at, resolved_at)
      SELECT ${key('opt')}, 'stuck_work', 'subscription', ${key('sub')}, 'size', 'resolved', ${written}, ${written}
      FROM ${some(2)}`,
    `INSERT INTO dead_letters (id, "group", topic, partition, "offset", headers, error_code, error, status, created_at)
      SELECT ${key('dlr')}, 'retry-service', 'payments.failed', n % 12, n, '{}', 'unknown_payment', 'size', 'discarded',
        ${written} FROM ${some(2)}`,
    `INSERT INTO test_clocks (id, now) VALUES ('clk_size', now())`,
  ];
}

/** Of each of five kinds a fifth is stuck, each for two hours. The first thousand customers are left as they are. */
export function findings(count: number): string[] {
  const each = Math.ceil(count / 5);
  const longAgo = `now() - interval '2 hours' - n * interval '1 second'`;
  const payment = (prefix: string, status: string) => `
    INSERT INTO payments (id, kind, status, customer_id, currency, amount, announced, created_at, updated_at)
    SELECT ${key(prefix)}, 'manual', '${status}', ${key('cus', 'n + 1000')}, 'EUR', 1000, true, ${longAgo}, ${longAgo}
    FROM generate_series(1, ${each}) AS n`;
  return [
    payment('pay_begun', 'processing'),
    payment('pay_untried', 'requested'),
    `UPDATE subscriptions SET announced_version = version, next_due_at = now() - interval '2 hours',
       updated_at = now() - interval '2 hours'
     WHERE id IN (SELECT id FROM subscriptions WHERE status = 'active' AND test_clock_id IS NULL LIMIT ${each})`,
    `DELETE FROM retry_plans WHERE payment_id IN (SELECT id FROM payments WHERE status = 'failed' LIMIT ${each})`,
    `INSERT INTO retry_requests (id, payment_id, reason, actor, requested_at)
     SELECT ${key('rtr_open')}, 'pay_' || lpad((n + 1000)::text, 16, '0') || '0001', 'size', ${actor}, ${longAgo}
     FROM generate_series(1, ${each}) AS n`,
  ];
}

/** The tables that a statement must not read as a whole. */
export const bigTables: readonly string[] = [
  'customers',
  'payment_methods',
  'subscriptions',
  'subscription_periods',
  'payments',
  'payment_attempts',
  'retry_plans',
  'outbox_events',
  'changes',
  'ledger_transactions',
  'ledger_entries',
  'webhook_deliveries',
  'notifications',
  'audit_log',
  'idempotency_keys',
  'refunds',
  'disputes',
  'retry_requests',
  'bulk_retry_payments',
  'operator_tasks',
  'dead_letters',
];
