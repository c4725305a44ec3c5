/** The workflows of the Retry Service that only wait: test clocks, and the scheduler of renewals. */
import { WithStartWorkflowOperation, type WorkflowUpdateFailedError } from '@temporalio/client';
import type { ClockProgress, ClockState, PublishedBatch, TestClockActivities } from '../../activities/retry';
import { renewalSchedulerStart, testClockStart } from '../../contracts/workflows/workflows';
import { useSkippedTime } from '../support/workflows/skipped-time';
import { until } from '../support/until';

const to = '2031-01-01T00:00:00.000Z';
const standing: ClockState = {
  clock_id: 'clk_1',
  now: '2030-01-01T00:00:00.000Z',
  status: 'ready',
  target: null,
  steps: 0,
  detail: null,
};

const time = useSkippedTime();

/** A clock's row; each look takes 5 s and sees what the script says, at last that it is ready. */
function world(
  script: Partial<ClockProgress>[] | ((log: readonly string[]) => Partial<ClockProgress> | undefined),
) {
  const log: string[] = [];
  let clock = standing;
  const activities: TestClockActivities = {
    beginAdvance: async (_, command) => {
      log.push(`begin ${command.to}`);
      if (clock.status === 'advancing') {
        return { kind: 'refused', code: 'test_clock_advancing', detail: 'On its way.' };
      }
      clock = { ...clock, status: 'advancing', target: command.to };
      return { kind: 'begun' };
    },
    advanceClock: async () => {
      log.push('go on');
      const seen = Array.isArray(script) ? script.shift() : script(log);
      if (seen === undefined && clock.status === 'advancing') clock = { ...clock, status: 'ready' };
      if (clock.status === 'advancing') await time.env.sleep('5 s');
      return { clock, progress: 'none', wait_until: null, stall_ms: 60_000, ...seen };
    },
    failAdvance: async () => {
      log.push('fail');
      clock = { ...clock, status: 'failed' };
      return clock;
    },
  };
  return { activities, log };
}

function advance(clockId: string, updateId: string) {
  const { workflowType, ...options } = testClockStart(clockId);
  const startWorkflowOperation = new WithStartWorkflowOperation(workflowType, {
    ...options,
    workflowIdConflictPolicy: 'USE_EXISTING',
    workflowIdReusePolicy: 'ALLOW_DUPLICATE',
  });
  const args = [{ to }];
  return time.env.client.workflow.executeUpdateWithStart('advance', {
    startWorkflowOperation,
    updateId,
    args,
  });
}

const ended = (clockId: string) => time.env.client.workflow.getHandle(`test-clock/${clockId}`).result();
const looks = (count: number, seen: (index: number) => Partial<ClockProgress>) =>
  Array.from({ length: count }, (_, index) => seen(index));

describe('test-clock/{id}', () => {
  it('answers when the advance is recorded, goes on until the clock stands still, and ends', async () => {
    const { activities, log } = world(looks(3, (index) => ({ progress: String(index) })));
    await time.withWorker('retry-service', activities, async () => {
      await advance('clk_on', 'a');
      expect(log.at(0)).toBe(`begin ${to}`);
      await ended('clk_on');
    });
    expect(log).toEqual([`begin ${to}`, ...Array<string>(4).fill('go on')]);
  });

  it('refuses another advance meanwhile', async () => {
    const { activities } = world(looks(3, (index) => ({ progress: String(index) })));
    await time.withWorker('retry-service', activities, async () => {
      await advance('clk_twice', 'a');
      const refused = await advance('clk_twice', 'b').catch((error: unknown) => error);
      expect((refused as WorkflowUpdateFailedError).cause).toMatchObject({ type: 'test_clock_advancing' });
      await ended('clk_twice');
    });
  });

  it('fails when nothing moves for a minute, and not a moment sooner', async () => {
    const { activities, log } = world(looks(100, () => ({})));
    await time.withWorker('retry-service', activities, async () => {
      await advance('clk_stuck', 'a');
      await ended('clk_stuck');
    });
    // The first look saw the present state; twelve more make the minute.
    expect(log.filter((what) => what === 'go on').length).toBeGreaterThanOrEqual(13);
    expect(log).toContain('fail');
  });

  it('does not fail while it is known why nothing moves', async () => {
    const waitUntil = new Date((await time.env.currentTimeMs()) + 120_000).toISOString();
    const { activities, log } = world(looks(30, () => ({ wait_until: waitUntil })));
    await time.withWorker('retry-service', activities, async () => {
      await advance('clk_patient', 'a');
      await ended('clk_patient');
    });
    expect(log).not.toContain('fail');
  });

  it('has all its patience again when it is asked again', async () => {
    // Nothing moves until it fails; asked again, one more look sees the same, and the next that all is well.
    const { activities, log } = world((before) => {
      const failedAt = before.indexOf('fail');
      const pollsSince = before.slice(failedAt).filter((what) => what === 'go on').length;
      return failedAt < 0 || pollsSince <= 2 ? { stall_ms: 15_000 } : undefined;
    });
    await time.withWorker('retry-service', activities, async () => {
      await advance('clk_again', 'a');
      await until('it failed', async () => log.includes('fail'));
      // The run that failed is still there.
      await advance('clk_again', 'b');
      await ended('clk_again');
    });
    expect(log.filter((what) => what === 'fail')).toHaveLength(1);
  });
});

describe('renewal-scheduler/{shard}', () => {
  it('outlives a database that is away, and speaks when it is back', async () => {
    let looks = 0;
    const publishDue = async (): Promise<PublishedBatch> => {
      looks += 1;
      // Three tries each, of two looks.
      if (looks <= 6) throw new Error('connect ECONNREFUSED 127.0.0.1:5432');
      return { paused: false, published: 0, late_ms: 0, next_due_at: null, wait_ms: 5_000 };
    };
    await time.withWorker('retry-service', { publishDue }, async () => {
      const { workflowType, ...options } = renewalSchedulerStart(0);
      const scheduler = await time.env.client.workflow.start(workflowType, options);
      await until('it failed once', async () => looks >= 3);
      await time.env.sleep('1 min');
      await until('it looks again', async () => looks >= 8);
      expect((await scheduler.describe()).status.name).toBe('RUNNING');
      await scheduler.terminate();
    });
  });
});
