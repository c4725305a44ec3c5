/** Rounds of the reconciliation: what cannot be repaired hides nothing, and no part holds up another one. */
import { MockActivityEnvironment } from '@temporalio/testing';
import { pino } from 'pino';
import { createReconciliationActivities, type Found } from '../../../activities/reconciliation';
import { completedPasses } from '../../../billing/reconcile/passes';
import { reconcilePredicate } from '../../../billing/reconcile/round';
import { Metrics } from '../../../bin/metrics';
import { isOfLedger, predicateNames, type Predicate } from '../../../domain/stuck-work';
import { useBilling } from '../../support/billing';
import { fakeMessenger } from '../../support/fake-messenger';

const given = useBilling();

/** Copies of a payment that was begun, each changed a minute before the one after it, the last one two hours ago. */
async function inProcessing(prefix: string, count: number): Promise<string[]> {
  const { paymentId } = await given.opened();
  await given.db.$executeRaw`
    INSERT INTO payments
    SELECT (jsonb_populate_record(p, jsonb_build_object('id', ${prefix}::text || lpad(n::text, 5, '0'),
      'kind', 'manual', 'subscription_id', null, 'status', 'processing',
      'updated_at', clock_timestamp() - interval '2 hours' - (${count}::int - n) * interval '1 minute'))).*
    FROM payments p, generate_series(1, ${count}::int) AS n WHERE p.id = ${paymentId}`;
  return Array.from({ length: count }, (_, at) => `${prefix}${String(at + 1).padStart(5, '0')}`);
}

/** One part of a round, in which nothing is repaired. */
async function part(predicate: Predicate, limit = 500): Promise<string[]> {
  const seen: string[] = [];
  const found = await reconcilePredicate(given.db, predicate, {
    toleranceMs: 60_000,
    limit,
    onLook: () => undefined,
    onFound: ({ subject }) => Promise.resolve(void seen.push(subject.id)),
  });
  expect(found).toBe(seen.length);
  return seen;
}
const passOf = async (predicate: string) =>
  (await completedPasses(given.db)).find((pass) => pass.predicate === predicate);

beforeEach(async () => {
  await given.db.$executeRaw`TRUNCATE reconciliation_passes, stuck_work`;
  await given.db.$executeRaw`DELETE FROM payments WHERE status = 'processing'`;
});

it('goes on behind what cannot be repaired, oldest first, and begins again at the end', async () => {
  const all = await inProcessing('pay_many_', 2_300);
  const first = await part('attempt_in_processing');
  expect(first.toSorted()).toEqual(all.slice(0, 1_000));
  expect(await passOf('attempt_in_processing')).toMatchObject({ completed_at: null });
  expect((await part('attempt_in_processing')).toSorted()).toEqual(all.slice(1_000, 2_000));
  expect((await part('attempt_in_processing')).toSorted()).toEqual(all.slice(2_000));
  const pass = await passOf('attempt_in_processing');
  expect(pass).toMatchObject({ completed_at: expect.any(Date) as Date, found: 2_300 });
  expect((await part('attempt_in_processing')).toSorted()).toEqual(all.slice(0, 1_000));
  expect((await passOf('attempt_in_processing'))?.completed_at).toEqual(pass?.completed_at);
});

it('remembers since when each is stuck over the parts of a pass, and forgets what a whole pass did not find', async () => {
  const all = await inProcessing('pay_kept_', 1_100);
  const remembered = async () =>
    (await given.db.stuckWork.findMany({ orderBy: { subject_id: 'asc' } })).map(({ subject_id: id }) => id);
  await part('attempt_in_processing');
  await part('attempt_in_processing');
  expect(await remembered()).toEqual(all);
  await given.db.$executeRaw`DELETE FROM payments WHERE id IN ('pay_kept_00001', 'pay_kept_01100')`;
  await part('attempt_in_processing');
  expect(await remembered()).toEqual(all);
  await part('attempt_in_processing');
  expect(await remembered()).toEqual(all.slice(1, -1));
});

it('shows in a metric when each predicate last saw everything', async () => {
  await inProcessing('pay_metric_', 1_100);
  const metrics = new Metrics();
  metrics.watchDatabase(given.db, pino({ level: 'silent' }));
  const shown = async () => {
    const text = await metrics.text();
    const name = 'perennial_reconciliation_completed_timestamp_seconds';
    return Number(new RegExp(`^${name}\\{predicate="attempt_in_processing"\\} (.*)$`, 'm').exec(text)?.[1]);
  };
  await part('attempt_in_processing');
  expect(await shown()).toBe(0);
  await part('attempt_in_processing');
  expect(await shown()).toBe(Number((await passOf('attempt_in_processing'))?.completed_at) / 1_000);
});

it('stays where it was when a part is cut off', async () => {
  const all = await inProcessing('pay_cut_', 1_100);
  await part('attempt_in_processing');
  const cutOff = reconcilePredicate(given.db, 'attempt_in_processing', {
    toleranceMs: 60_000,
    limit: 500,
    onLook: () => undefined,
    onFound: () => Promise.reject(new Error('the worker stops')),
  });
  await expect(cutOff).rejects.toThrow('the worker stops');
  expect((await part('attempt_in_processing')).toSorted()).toEqual(all.slice(1_000));
});

describe('the activities of a round', () => {
  const found: Found[] = [];
  const started: string[] = [];
  const swept: (readonly string[])[] = [];
  const running = new Set<string>();
  const missing = {
    countSubscriptions: () => Promise.resolve(0),
    startClocks: () => Promise.resolve(0),
    startSubscriptions: (ids: readonly string[]) => {
      const absent = ids.filter((id) => !running.has(id));
      swept.push(absent);
      for (const id of absent) running.add(id);
      return Promise.resolve(absent.length);
    },
  };
  const activities = () =>
    createReconciliationActivities({
      ...given,
      toleranceMs: 60_000,
      firstLookupAfterMs: 60_000,
      idleStartsPerSecond: 500,
      messenger: fakeMessenger({ start: (id) => Promise.resolve(void started.push(id)) }),
      missing,
      log: pino({ level: 'silent' }),
      onFound: (more) => void found.push(more),
    });
  beforeEach(() => {
    for (const list of [found, started, swept]) list.length = 0;
    running.clear();
  });

  it('ask about everything although one predicate cannot be asked', async () => {
    await inProcessing('pay_beside_', 2);
    await given.db.$executeRaw`ALTER TABLE retry_requests RENAME TO retry_requests_away`;
    try {
      const round = await new MockActivityEnvironment().run(activities().repairStuckWork);
      expect(round).toMatchObject({
        found: { attempt_in_processing: 2 },
        failed: ['retry_request_open', 'bulk_retry_stalled'],
      });
    } finally {
      await given.db.$executeRaw`ALTER TABLE retry_requests_away RENAME TO retry_requests`;
    }
    expect(started.toSorted()).toEqual(['pay_beside_00001', 'pay_beside_00002']);
    expect(found).toHaveLength(1);
    const completed = (await completedPasses(given.db)).map(({ predicate }) => predicate);
    const others = predicateNames.filter(
      (name) => !isOfLedger(name) && name !== 'retry_request_open' && name !== 'bulk_retry_stalled',
    );
    expect(completed.toSorted()).toEqual(others.toSorted());
  });

  it('fail together when nothing can be asked', async () => {
    await given.db.$executeRaw`ALTER TABLE reconciliation_passes RENAME TO reconciliation_passes_away`;
    try {
      const round = new MockActivityEnvironment().run(activities().checkLedger);
      await expect(round).rejects.toThrow('does not exist');
    } finally {
      await given.db.$executeRaw`ALTER TABLE reconciliation_passes_away RENAME TO reconciliation_passes`;
    }
  });

  it('sweep over the living by ranges of ids, continue where they were, and start first what waits', async () => {
    const { subscriptionId } = await given.opened();
    await given.db.$executeRaw`
      INSERT INTO subscriptions
      SELECT (jsonb_populate_record(s, jsonb_build_object('id', 'sub_swept_' || lpad(n::text, 3, '0'),
        'open_payment_id', null, 'next_due_at', null, 'status', CASE WHEN n % 2 = 0 THEN 'active' ELSE 'expired' END))).*
      FROM subscriptions s, generate_series(1, 500) AS n WHERE s.id = ${subscriptionId}`;
    const beats: unknown[] = [];
    const fresh = new MockActivityEnvironment();
    fresh.on('heartbeat', (details: unknown) => void beats.push(details));
    const all = await fresh.run(activities().startMissingProcesses);
    expect(all).toBeGreaterThanOrEqual(250);
    const sweptIds = swept.flat().filter((id) => id.startsWith('sub_swept_'));
    expect(sweptIds).toHaveLength(250);
    expect(beats).toContainEqual({
      after: expect.stringMatching(/^sub_swept_[1-4]/),
      started: expect.any(Number),
    });
    expect(beats).toContainEqual({ after: 'sub_swept_500', started: all });
    expect((await passOf('missing_workflow'))?.found).toBe(all);

    swept.length = 0;
    running.clear();
    const heartbeatDetails = { after: 'sub_swept_400', started: 1_000 };
    const again = new MockActivityEnvironment({ heartbeatDetails });
    const rest = sweptIds.filter((id) => id > 'sub_swept_400');
    expect(await again.run(activities().startMissingProcesses)).toBe(1_000 + rest.length);
    expect(swept.flat()).toEqual(rest);

    swept.length = 0;
    running.clear();
    const waiting = { sub_swept_250: 'past_due', sub_swept_252: 'scheduled', sub_swept_254: 'incomplete' };
    for (const [id, status] of Object.entries(waiting))
      await given.db.subscription.update({ where: { id }, data: { status } });
    const beganMs = performance.now();
    await new MockActivityEnvironment().run(activities().startMissingProcesses);
    expect(swept[0]).toEqual(expect.arrayContaining(Object.keys(waiting)));
    expect(swept[0]).not.toContain('sub_swept_256');
    // 500 a second.
    expect(performance.now() - beganMs).toBeGreaterThan(300);
  });
});
