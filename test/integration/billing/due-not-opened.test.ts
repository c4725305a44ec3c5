/** What is due and not opened is announced again, unless something explains why it waits. */
import { answerOvertakenTasks } from '../../../billing/renewal/renewal-tasks';
import { findStuckWork } from '../../../billing/reconcile/stuck-work';
import { useBilling } from '../../support/billing';

const given = useBilling();
let id: string;

beforeAll(async () => {
  id = (await given.opened()).subscriptionId;
});
beforeEach(async () => {
  await given.db.$executeRaw`TRUNCATE renewal_runs, renewal_pauses, operator_tasks, outbox_events`;
  await given.db.$executeRaw`
    UPDATE subscriptions SET status = 'active', announced_version = version, test_clock_id = NULL,
      next_due_at = clock_timestamp() - interval '2 hours', updated_at = clock_timestamp() - interval '2 hours'
    WHERE id = ${id}`;
});

async function isFound(): Promise<boolean> {
  const found = await findStuckWork(given.db, { toleranceMs: 60_000, testClockId: null, limit: 500 });
  return found.some(({ predicate, subject }) => predicate === 'due_not_opened' && subject.id === id);
}

const minutesAgo = (minutes: number): Date => new Date(Date.now() - minutes * 60_000);

/** A run of the subscription, begun so long ago, with progress so long ago. */
const run = (begunMinutes: number, progressMinutes: number, left: string[]) =>
  given.db.renewalRun.create({
    data: {
      id: `rnr_${begunMinutes}_${progressMinutes}`,
      status: 'running',
      size: 2,
      members: [id, 'sub_other'],
      members_left: left,
      counts: {},
      exceptions: [],
      oldest_due_at: minutesAgo(120),
      created_at: minutesAgo(begunMinutes),
      progress_at: minutesAgo(progressMinutes),
    },
  });
const pause = () =>
  given.db.renewalPause.create({ data: { actor: { kind: 'system', id: 'test', reason: 'a test' } } });
const announced = (minutes: number) =>
  given.db.$executeRaw`
    INSERT INTO outbox_events (event_id, topic, key, shard, subject, payload, created_at, published_at)
    VALUES ('evt_due', 'subscriptions.renew_required', ${id}, 0, ${id}, '{}', ${minutesAgo(minutes)}, ${minutesAgo(minutes)})`;
const asked = (status: 'open' | 'resolved') =>
  given.db.operatorTask.create({
    data: {
      id: 'opt_1',
      kind: 'renewal_failed',
      subject_type: 'subscription',
      subject_id: id,
      detail: 'a test',
      status,
    },
  });

it.each<[string, boolean, () => Promise<unknown>]>([
  ['nothing explains it', true, () => Promise.resolve()],
  ['a run has it and goes on', false, () => run(60, 9, [id])],
  ['a run has it and nothing was seen of that for ten minutes', true, () => run(60, 11, [id])],
  ['a run has it for more than six hours', true, () => run(361, 1, [id])],
  ['a run goes on without it', true, () => run(60, 1, ['sub_other'])],
  ['renewals are paused', false, pause],
  ['it was announced a moment ago', false, () => announced(0.5)],
  ['it was announced two minutes ago', true, () => announced(2)],
  [
    'an operator is asked about it and it was announced ten minutes ago',
    false,
    () => Promise.all([asked('open'), announced(10)]),
  ],
  [
    'an operator is asked about it and it was announced an hour ago',
    true,
    () => Promise.all([asked('open'), announced(61)]),
  ],
  ['an operator has resolved the task', true, () => Promise.all([asked('resolved'), announced(10)])],
])('where %s: %s', async (_, expected, arrange) => {
  await arrange();
  expect(await isFound()).toBe(expected);
});

it('an operator is not asked any longer about what is not due any more', async () => {
  await asked('open');
  const status = async () =>
    (await given.db.operatorTask.findUniqueOrThrow({ where: { id: 'opt_1' } })).status;
  await answerOvertakenTasks(given.db);
  expect(await status()).toBe('open');
  await given.db.$executeRaw`
    UPDATE subscriptions SET next_due_at = clock_timestamp() + interval '1 hour' WHERE id = ${id}`;
  await answerOvertakenTasks(given.db);
  expect(await status()).toBe('resolved');
});

it('of a test clock is found although renewals are paused', async () => {
  await given.db.testClock.create({ data: { id: 'clk_1', now: new Date() } });
  await given.db.$executeRaw`UPDATE subscriptions SET test_clock_id = 'clk_1' WHERE id = ${id}`;
  await pause();
  expect(await isFound()).toBe(true);
});
