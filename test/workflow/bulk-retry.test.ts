import { WithStartWorkflowOperation, type WorkflowUpdateFailedError } from '@temporalio/client';
import type { BulkRetryActivities, BulkRetryState } from '../../activities/retry';
import { bulkRetryStart } from '../../contracts/workflows/workflows';
import { progressOf, statusAfter } from '../../domain/retry/bulk-retry';
import { useSkippedTime } from '../support/workflows/skipped-time';
import { until } from '../support/until';

const time = useSkippedTime();

/** A run's row, and the batches that were handed over; wishes are judged by the next look. */
function world(id: string, more: Partial<BulkRetryState>) {
  let state: BulkRetryState = {
    bulk_retry_id: id,
    status: 'running',
    rate_per_second: 10,
    released: 0,
    progress: progressOf(more.progress?.total ?? 0, { attempted: 0, refused: 0 }),
    ...more,
  };
  const log: string[] = [];
  const handedOverMs: number[] = [];
  const activities: BulkRetryActivities = {
    async loadBulkRetry() {
      const { progress, released } = state;
      if (state.status === 'running' && progress.remaining === 0) state = { ...state, status: 'completed' };
      else state = { ...state, progress: progressOf(progress.total, { attempted: released, refused: 0 }) };
      return state;
    },
    async releaseBatch(_, { after, payments }) {
      if (state.status !== 'running') return;
      const released = Math.min(after + payments, state.progress.total);
      log.push(`${after + 1} to ${released}`);
      handedOverMs.push(await time.env.currentTimeMs());
      state = { ...state, released };
    },
    async decideBulkRetry(_, command) {
      const status = statusAfter(state.status, command);
      if (status === null) return { kind: 'refused', status: state.status };
      state = { ...state, status };
      return { kind: 'decided' };
    },
  };
  return { activities, log, handedOverMs, status: () => state.status };
}

const start = (id: string) => {
  const { workflowType, ...options } = bulkRetryStart(id);
  return time.env.client.workflow.start(workflowType, options);
};

/** As the API asks: of a run whose process may not be there. */
function decide(id: string, command: string) {
  const { workflowType, ...options } = bulkRetryStart(id);
  const startWorkflowOperation = new WithStartWorkflowOperation(workflowType, {
    ...options,
    workflowIdConflictPolicy: 'USE_EXISTING',
    workflowIdReusePolicy: 'ALLOW_DUPLICATE',
  });
  const args = [{ actor: { kind: 'api_key', id: 'key_1', reason: 'why' } }];
  return time.env.client.workflow.executeUpdateWithStart(command, { startWorkflowOperation, args });
}

const ended = (id: string) => time.env.client.workflow.getHandle(`bulk-retry/${id}`).result();
const total = (payments: number) => ({ progress: progressOf(payments, { attempted: 0, refused: 0 }) });

describe('bulk-retry/{id}', () => {
  it('hands over batch after batch, no faster than its rate, and ends when all are judged', async () => {
    const { activities, log, handedOverMs, status } = world('brt_rate', total(35));
    let beganMs = 0;
    await time.withWorker('retry-service', activities, async () => {
      beganMs = await time.env.currentTimeMs();
      await start('brt_rate');
      await ended('brt_rate');
    });
    expect(log).toEqual(['1 to 10', '11 to 20', '21 to 30', '31 to 35']);
    // A timer is never early; both clocks count whole milliseconds.
    const tooEarly = handedOverMs.filter((atMs, before) => atMs - beganMs < before * 1_000 - 2);
    expect(tooEarly).toEqual([]);
    expect(status()).toBe('completed');
  });

  it('goes on where its row says, when its process was lost', async () => {
    const { activities, log } = world('brt_lost', { ...total(30), released: 20 });
    await time.withWorker('retry-service', activities, async () => {
      await start('brt_lost');
      await ended('brt_lost');
    });
    expect(log).toEqual(['21 to 30']);
  });

  it('stands still while it is paused, goes on when it is resumed, and stops when it is cancelled', async () => {
    const { activities, log, status } = world('brt_paused', { ...total(1_000), rate_per_second: 1 });
    await time.withWorker('retry-service', activities, async () => {
      await start('brt_paused');
      await until('the first is handed over', async () => log.length > 0);
      await decide('brt_paused', 'pause');
      const before = log.length;
      await time.env.sleep('1 hour');
      expect(log).toHaveLength(before);
      await decide('brt_paused', 'resume');
      await until('another is handed over', async () => log.length > before);
      await decide('brt_paused', 'cancel');
      await ended('brt_paused');
    });
    expect(status()).toBe('cancelled');
    expect(log.length).toBeLessThan(1_000);
  });

  it('refuses what its row does not allow, and ends again', async () => {
    const { activities } = world('brt_over', { status: 'completed' });
    await time.withWorker('retry-service', activities, async () => {
      const refused = await decide('brt_over', 'pause').catch((error: unknown) => error);
      const fault = (refused as WorkflowUpdateFailedError).cause;
      expect(fault).toMatchObject({ type: 'bulk_retry_state', details: [{ reason: 'completed' }] });
      await ended('brt_over');
    });
  });
});
