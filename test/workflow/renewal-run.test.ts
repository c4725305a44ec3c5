import { activityInfo } from '@temporalio/activity';
import { ApplicationFailure } from '@temporalio/common';
import type { RenewalActivities } from '../../activities/renewal';
import { renewalRunStart } from '../../contracts/workflows/workflows';
import type { RenewalMember, RenewalRunProgress, RenewedSlice } from '../../domain/renewal/run';
import { useSkippedTime } from '../support/workflows/skipped-time';

const time = useSkippedTime();

type Verdict = 'renewed' | 'unavailable' | 'fault' | 'never' | 'lost' | { earlyMs: number };

const member = (subscription_id: string): RenewalMember => ({
  subscription_id,
  due_at: '2026-01-01T00:00:00.000Z',
  by_clock: false,
});
const members = (count: number) =>
  Array.from({ length: count }, (_, at) => member(`sub_${String(at).padStart(3, '0')}`));

/** Subscriptions that come out as `verdict` says, a try after the other. */
function world(verdict: (id: string, attempt: number) => Verdict, isPaused = () => false, isNew = true) {
  const tries = new Map<string, number>();
  const slices: number[] = [];
  const inTask: boolean[] = [];
  const notes: string[] = [];
  const asked: string[] = [];
  let last: RenewalRunProgress = { counts: {}, exceptions: [] };
  const activities: RenewalActivities = {
    async beginRun(_, { length }) {
      notes.push(`begin ${length}`);
      return isNew;
    },
    async touchRun() {},
    async renewSlice(_, given) {
      slices.push(given.length);
      inTask.push(activityInfo().isLocal);
      const slice: RenewedSlice = { paused: isPaused(), outage: false, done: [], failed: [], early: [] };
      if (slice.paused) return slice;
      for (const { subscription_id: id } of given) {
        const attempt = (tries.get(id) ?? 0) + 1;
        tries.set(id, attempt);
        const came = verdict(id, attempt);
        if (came === 'lost') throw ApplicationFailure.retryable('the worker is lost');
        if (came === 'renewed') slice.done.push({ subscription_id: id, outcome: came, payment_id: null });
        else if (typeof came === 'object') slice.early.push({ subscription_id: id, wait_ms: came.earlyMs });
        else slice.failed.push({ subscription_id: id, reason: came, detail: 'Error' });
        slice.outage ||= came === 'unavailable';
      }
      return slice;
    },
    async noteRun(_, status, progress, left) {
      last = progress;
      notes.push(`${status}, ${left.length} left`);
    },
    askAbout: async (failed) => void asked.push(...failed.map(({ subscription_id: id }) => id)),
  };
  return { activities, tries, slices, inTask, notes, asked, counts: () => last.counts };
}

async function runOf(id: string, given: RenewalMember[], activities: RenewalActivities): Promise<number> {
  const { workflowType, ...options } = renewalRunStart({ run_id: id, members: given });
  return time.withWorker('renewals', activities, async () => {
    const began = await time.env.currentTimeMs();
    const handle = await time.env.client.workflow.start(workflowType, options);
    await handle.result();
    return (await time.env.currentTimeMs()) - began;
  });
}

describe('renewal-run/{id}', () => {
  it('renews its members slice by slice, and says how far it is', async () => {
    const { activities, slices, notes, counts } = world(() => 'renewed');
    await runOf('rnr_slices', members(120), activities);
    expect(slices).toEqual([50, 50, 20]);
    expect(notes).toEqual(['begin 120', 'running, 70 left', 'running, 20 left', 'finished, 0 left']);
    expect(counts()).toEqual({ renewed: 120 });
  });

  it('tries who fails again, later each time, while the others do not wait', async () => {
    const { activities, tries, slices } = world((id, attempt) =>
      id === 'sub_001' && attempt < 4 ? 'fault' : 'renewed',
    );
    const tookMs = await runOf('rnr_again', members(60), activities);
    expect(slices).toEqual([50, 10, 1, 1, 1]);
    expect(tries.get('sub_001')).toBe(4);
    expect(tookMs).toBeGreaterThanOrEqual(7_000);
  });

  it.each([
    ['never', 1, 0],
    ['fault', 20, 15 * 60_000],
  ] as const)('gives up who fails as %s, and asks an operator', async (verdict, leastTries, leastMs) => {
    const { activities, tries, asked, counts } = world((id) => (id === 'sub_001' ? verdict : 'renewed'));
    const tookMs = await runOf(`rnr_${verdict}`, members(5), activities);
    expect(asked).toEqual(['sub_001']);
    expect(counts()).toEqual({ renewed: 4, not_renewed: 1 });
    expect(tries.get('sub_001')).toBeGreaterThanOrEqual(leastTries);
    expect(tookMs).toBeGreaterThanOrEqual(leastMs);
  });

  it('gives up nobody while a part is unavailable for an hour', async () => {
    const { activities, asked, counts } = world((_, attempt) => (attempt < 60 ? 'unavailable' : 'renewed'));
    await runOf('rnr_outage', members(2), activities);
    expect(asked).toEqual([]);
    expect(counts()).toEqual({ renewed: 2 });
  });

  it('waits for the instant of who is early', async () => {
    const { activities, counts } = world((_, attempt) => (attempt === 1 ? { earlyMs: 30_000 } : 'renewed'));
    expect(await runOf('rnr_early', members(1), activities)).toBeGreaterThanOrEqual(30_000);
    expect(counts()).toEqual({ renewed: 1 });
  });

  it('renews few in the task of the workflow, once: what is left, or a worker was lost with, is an activity', async () => {
    const first = world((_, attempt) => (attempt === 1 ? 'fault' : 'renewed'));
    await runOf('rnr_few', members(2), first.activities);
    expect(first.inTask).toEqual([true, false]);
    const again = world(
      () => 'renewed',
      () => false,
      false,
    );
    await runOf('rnr_few_again', members(2), again.activities);
    expect(again.inTask).toEqual([false]);
    const more = world(() => 'renewed');
    await runOf('rnr_more', members(4), more.activities);
    expect(more.inTask).toEqual([false]);
  });

  it('divides a slice that is lost with its worker, until the member that is why stands alone', async () => {
    const { activities, asked, counts } = world((id) => (id === 'sub_006' ? 'lost' : 'renewed'));
    await runOf('rnr_lost', members(8), activities);
    expect(counts()).toEqual({ renewed: 7, not_renewed: 1 });
    expect(asked).toEqual(['sub_006']);
  });

  it('waits while renewals are paused, and goes on after the pause', async () => {
    let looks = 0;
    const { activities, notes, counts } = world(
      () => 'renewed',
      () => (looks += 1) < 3,
    );
    await runOf('rnr_paused', members(2), activities);
    expect(notes).toEqual(['begin 2', 'paused, 2 left', 'paused, 2 left', 'finished, 0 left']);
    expect(counts()).toEqual({ renewed: 2 });
  });
});
