/** Every open entity has a next look: the judge of that sees each kind of row that nobody comes back to. */
import { Client } from 'pg';
import { openWithoutNextLook } from '../../support/next-look';
import { useBilling } from '../../support/billing';

const given = useBilling();

/** Judges the rows as they are after `harm`, which is undone. */
async function judged(...harm: string[]): Promise<string[]> {
  const client = new Client({ connectionString: given.url });
  await client.connect();
  try {
    for (const sql of ['BEGIN', ...harm]) await client.query(sql);
    return await openWithoutNextLook(async (sql) => (await client.query<{ line: string }>(sql)).rows);
  } finally {
    await client.query('ROLLBACK');
    await client.end();
  }
}

const attempt = (set: string) => `UPDATE payment_attempts SET ${set}`;
const payment = (set: string) => `UPDATE payments SET ${set}`;
const subscription = (set: string) => `UPDATE subscriptions SET version = 1, ${set}`;
const open = payment(`status = 'pending'`);
const money = `(id, payment_id, attempt, amount, currency`;
const refund = `INSERT INTO refunds ${money}, status, settled_at, reason, idempotency_key, requested_by)
  SELECT 're_1', id, 1, 5, 'EUR', 'failed', now(), 'r', 're_1', '{}' FROM payments`;
const dispute = `INSERT INTO disputes ${money}, provider, provider_reference)
  SELECT 'dp_1', id, 1, 5, 'EUR', 'sandbox', 'dp_1' FROM payments`;
const parked = `INSERT INTO outbox_events (event_id, topic, key, shard, subject, parked_at)
  VALUES ('evt_1', 't', 'k', 0, 's', now())`;
const request = `INSERT INTO retry_requests (id, payment_id, reason, actor) SELECT 'rtr_1', id, 'r', '{}' FROM payments`;
const task = (kind: string, subject: string) =>
  `INSERT INTO operator_tasks (id, kind, subject_type, subject_id, detail)
   SELECT 'tsk_1', '${kind}', 'payment', ${subject}, 'd' FROM payments`;

beforeAll(() => given.begun());

it.each<[string, string[]]>([
  ['a creation in progress', []],
  ['an active subscription that is due', [subscription(`status = 'active', next_due_at = now()`)]],
  ['a pause that only its caller ends', [subscription(`status = 'paused', next_due_at = NULL`)]],
  [
    'an attempt that is looked up tomorrow',
    [open, attempt(`status = 'pending', lookups = 9, next_question_at = now() + interval '1 day'`)],
  ],
  ['an attempt before its first lookup', [open, attempt(`status = 'pending', next_question_at = NULL`)]],
  ['a failed refund that an operator is asked about', [refund, task('refund_failed', `'re_1'`)]],
  ['a dispute that an operator knows', [dispute, task('dispute', 'id')]],
])('finds nothing in %s', async (_what, harm) => {
  expect(await judged(...harm)).toEqual([]);
});

it.each<[string, string[]]>([
  ['subscription that is never due', [subscription(`status = 'active', next_due_at = NULL`)]],
  [
    'subscription that is never due',
    [subscription(`status = 'paused', resume_at = now(), next_due_at = NULL`)],
  ],
  [
    'incomplete subscription without a first payment',
    [subscription(`status = 'incomplete', first_payment_id = NULL`)],
  ],
  [
    'past due subscription that nothing collects for',
    [subscription(`status = 'past_due', open_payment_id = NULL`)],
  ],
  [
    'past due subscription that nothing collects for',
    [
      subscription(`status = 'past_due', open_payment_id = first_payment_id`),
      payment(`status = 'cancelled'`),
      attempt(`status = 'failed', settled_at = now()`),
    ],
  ],
  [
    'payment of a period that its subscription does not know',
    [
      payment(`kind = 'renewal', status = 'requested'`),
      subscription(`status = 'paused', open_payment_id = NULL`),
    ],
  ],
  ['open payment without an open attempt', [open, attempt(`status = 'failed', settled_at = now()`)]],
  [
    'open attempt whose next lookup is not within a day',
    [open, attempt(`status = 'pending', lookups = 6, next_question_at = '9999-12-31'`)],
  ],
  [
    'attempt that is open for days without an operator task',
    [open, attempt(`status = 'pending', open_since = now() - interval '5 days'`)],
  ],
  [
    'attempt that is open for days without an operator task',
    [open, attempt(`status = 'unknown', open_since = now() - interval '3 days'`)],
  ],
  ['failed refund without an operator task', [refund]],
  ['open dispute that no operator knows', [dispute]],
  ['retry request of a payment that is collected no more', [request, payment(`status = 'uncollectible'`)]],
  ['parked event without an operator task', [parked]],
  [
    'test clock that advances to nothing',
    [`INSERT INTO test_clocks (id, now, status) VALUES ('clk_1', now(), 'advancing')`],
  ],
])('finds: %s', async (what, harm) => {
  expect(await judged(...harm)).toEqual([expect.stringMatching(`^${what}: `)]);
});
