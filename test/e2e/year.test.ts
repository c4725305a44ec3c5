/** A year of a few random lives, always the same ones; and that its judge sees what is left open. */
import { Client } from 'pg';
import { openChaos, rows, type Chaos } from '../chaos/context';
import { randomFrom } from '../chaos/random';
import { openAtTheEnd } from '../chaos/year/at-the-end';
import { drawLives } from '../chaos/year/life';
import { PostOffice } from '../chaos/year/post-office';
import { runYear, yearProcesses } from '../chaos/year/run';
import { TestSystem } from '../support/system';

jest.setTimeout(300_000);

const seed = 745;

let office: PostOffice;
let its: TestSystem;
let chaos: Chaos;
beforeAll(async () => {
  office = await PostOffice.open();
  its = await TestSystem.start(yearProcesses, { LOG_LEVEL: 'warn', SANDBOX_WEBHOOK_URL: office.url });
  chaos = await openChaos(its, randomFrom(seed), [], () => undefined);
});
afterAll(async () => {
  await chaos?.close();
  await its?.close();
});

test(`a year of six lives (seed ${seed}): nothing is open without an operator task or a next look ahead`, async () => {
  const lives = drawLives(chaos.random, 6, 6);
  expect(await runYear(chaos, office, { lives, arrivesWithinMs: 60_000, replays: 10 })).toEqual([]);
  expect(chaos.figures.count('lives')).toBe(6);
  expect(chaos.figures.count('webhooks lost')).toBeGreaterThan(0);
});

/** One row of a table becomes this. */
const one = (table: string, change: string, where = 'true') =>
  `UPDATE ${table} SET ${change} WHERE ctid = (SELECT ctid FROM ${table} WHERE ${where} LIMIT 1)`;
const untasked = `NOT EXISTS (SELECT 1 FROM operator_tasks WHERE subject_id = payment_id)`;
const openAttempt = (status: string, since: string) =>
  one(
    'payment_attempts',
    `status = '${status}', settled_at = NULL, next_question_at = 'infinity', open_since = began_at - interval '${since}'`,
    untasked,
  );

describe('what is open without right at its end is seen', () => {
  test.each([
    ['subscription: scheduled, trialing', one('subscriptions', `status = 'trialing', next_due_at = NULL`)],
    ['subscription: incomplete', one('subscriptions', `status = 'incomplete', created_at = '2001-01-01'`)],
    ['subscription: active', one('subscriptions', `status = 'active', next_due_at = '2001-01-01'`)],
    ['subscription: past_due', one('subscriptions', `status = 'past_due', open_payment_id = NULL`)],
    [
      'subscription: paused',
      one('subscriptions', `status = 'paused', resume_at = now(), next_due_at = NULL`),
    ],
    [
      'change: waits for the end of the period',
      one('subscriptions', `pending_change = '{"effective": "period_end"}', next_due_at = NULL`),
    ],
    ['change: waits for its charge', one('subscriptions', `pending_change = '{"effective": "when_paid"}'`)],
    ['payment: requested', one('payments', `status = 'requested'`)],
    ['payment: processing, requires_action, pending, unknown', one('payments', `status = 'pending'`)],
    [
      'payment: failed',
      one('payments', `status = 'failed', kind = 'renewal'`, 'subscription_id IS NOT NULL'),
    ],
    ['payment: disputed', one('payments', 'disputed_amount = 1')],
    ['payment: collected, not applied', one('payments', 'unapplied_amount = 1')],
    ['attempt: processing', one('payment_attempts', `status = 'processing', settled_at = NULL`)],
    ['attempt: requires_action, pending', openAttempt('pending', '800 days')],
    ['attempt: unknown', openAttempt('unknown', '800 days')],
    ['test clock: failed', one('test_clocks', `status = 'failed'`)],
    ['webhook delivery: stored', one('webhook_deliveries', `status = 'stored'`)],
    ['outbox event: unpublished', one('outbox_events', 'published_at = NULL')],
    ['outbox event: parked', one('outbox_events', 'published_at = NULL, parked_at = now()')],
    ['notification: sending', one('notifications', `status = 'sending'`)],
  ])('%s', async (state, harm) => {
    const client = new Client({ connectionString: its.system.environment['DATABASE_URL'] });
    await client.connect();
    try {
      await client.query('BEGIN');
      expect((await client.query(harm)).rowCount).toBe(1);
      const seen = await openAtTheEnd(async (sql) => (await client.query<{ line: string }>(sql)).rows);
      expect(seen).toContainEqual(expect.stringContaining(`${state}: `));
    } finally {
      await client.query('ROLLBACK');
      await client.end();
    }
  });

  test('and nothing else is', async () => {
    expect(await openAtTheEnd((sql) => rows(chaos, sql))).toEqual([]);
  });
});
