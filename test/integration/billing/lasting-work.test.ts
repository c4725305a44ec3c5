/** Work that the reconciliation finds again and again becomes an operator task. */
import { recordFound } from '../../../billing/reconcile/lasting-work';
import type { StuckItem } from '../../../billing/reconcile/predicate';
import type { Predicate } from '../../../domain/stuck-work';
import { inTransaction } from '../../../prisma/client';
import { useBilling } from '../../support/billing';

const given = useBilling();
const asked: Predicate[] = [
  'plan_due',
  'notice_due',
  'refund_not_finished',
  'retry_request_open',
  'outbox_unpublished',
];

const item = (id: string, predicate: Predicate = 'plan_due'): StuckItem => ({
  predicate,
  subject: { type: 'payment', id },
});
/** A minute after the last one. @param isOver whether all was looked at */
async function round(items: StuckItem[], isOver = true): Promise<void> {
  now = new Date(now.getTime() + 60_000);
  for (const predicate of asked) {
    const found = items.filter((of) => of.predicate === predicate);
    await inTransaction(given.db, (tx) =>
      recordFound(tx, { predicate, found, passBeganAt: now, isOver, now }),
    );
  }
}
let now = new Date('2026-11-30T08:00:00Z');
const letAnHourPass = () => given.db.$executeRaw`UPDATE stuck_work SET since = since - interval '1 hour'`;
const tasks = (id?: string) =>
  given.db.operatorTask.findMany({
    where: { kind: 'stuck_work', subject_id: id },
    orderBy: { subject_id: 'asc' },
  });
const statusOf = async (id: string) => (await tasks(id)).map(({ status }) => status);

beforeEach(async () => {
  await given.db.stuckWork.deleteMany();
  await given.db.operatorTask.deleteMany();
});

it('asks after an hour, not before, and once', async () => {
  await round([item('pay_a')]);
  await round([item('pay_a')]);
  expect(await tasks()).toEqual([]);
  await letAnHourPass();
  await round([item('pay_a')]);
  await round([item('pay_a')]);
  const [task, ...more] = await tasks();
  expect(more).toEqual([]);
  expect(task).toMatchObject({ status: 'open', subject_type: 'payment', subject_id: 'pay_a' });
  expect(task?.detail).toMatch(/since \d{4}-.*: plan_due\.$/);
});

it('answers the task when the work has continued, and asks again when it gets stuck again', async () => {
  await round([item('pay_b')]);
  await letAnHourPass();
  await round([item('pay_b')]);
  await round([]);
  expect(await statusOf('pay_b')).toEqual(['resolved']);
  await round([item('pay_b')]);
  expect(await statusOf('pay_b')).toEqual(['resolved']);
  await letAnHourPass();
  await round([item('pay_b')]);
  expect(await statusOf('pay_b')).toEqual(['open']);
});

it('keeps a task that another predicate still asks', async () => {
  const both = [item('pay_c'), item('pay_c', 'notice_due')];
  await round(both);
  await letAnHourPass();
  await round(both);
  await round([item('pay_c')]);
  expect(await statusOf('pay_c')).toEqual(['open']);
  await round([]);
  expect(await statusOf('pay_c')).toEqual(['resolved']);
});

it('leaves what an operator has resolved, however long it is found', async () => {
  await round([item('pay_d')]);
  await letAnHourPass();
  await round([item('pay_d')]);
  await given.db.operatorTask.updateMany({ data: { status: 'resolved', resolved_at: new Date() } });
  await round([item('pay_d')]);
  expect(await statusOf('pay_d')).toEqual(['resolved']);
});

it('asks at most twenty questions about one predicate, the oldest first, and the next when one is answered', async () => {
  const first = Array.from({ length: 20 }, (_, at) => item(`pay_old_${at}`));
  await round(first);
  await given.db.$executeRaw`UPDATE stuck_work SET since = since - interval '1 minute'`;
  const all = [...first, item('pay_new')];
  await round(all);
  await letAnHourPass();
  await round(all);
  expect((await tasks()).map(({ subject_id: id }) => id)).not.toContain('pay_new');
  expect(await tasks()).toHaveLength(20);
  await round(all.slice(1));
  expect(await statusOf('pay_new')).toEqual(['open']);
});

it('forgets nothing in a round that did not see everything', async () => {
  await round([item('pay_e'), item('pay_f')]);
  await letAnHourPass();
  await round([item('pay_e')], false);
  await round([item('pay_e'), item('pay_f')]);
  expect(await statusOf('pay_f')).toEqual(['open']);
});

it.each<Predicate>(['refund_not_finished', 'retry_request_open', 'outbox_unpublished'])(
  'does not ask about what may wait by itself: %s',
  async (predicate) => {
    await round([item('pay_g', predicate)]);
    await letAnHourPass();
    await round([item('pay_g', predicate)]);
    expect(await tasks()).toEqual([]);
  },
);
