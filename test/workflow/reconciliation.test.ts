/** A round's parts do not wait for each other. */
import type { ReconciliationActivities, Round } from '../../activities/reconciliation';
import { reconciliationStart } from '../../contracts/workflows/workflows';
import { useSkippedTime } from '../support/workflows/skipped-time';

const time = useSkippedTime();
const nothing: Round = { found: {}, failed: [] };

async function run(name: string, activities: ReconciliationActivities): Promise<void> {
  const { workflowType, taskQueue } = reconciliationStart;
  await time.withWorker(taskQueue, activities, () =>
    time.env.client.workflow.execute(workflowType, { taskQueue, workflowId: name, args: [] }),
  );
}

it('repairs each minute while a sweep goes on', async () => {
  let repaired = 0;
  await run('sweeping', {
    repairStuckWork: () => Promise.resolve(nothing).finally(() => (repaired += 1)),
    checkLedger: () => Promise.resolve(nothing),
    // As long as visibility is away: each try goes on where the one before it was.
    startMissingProcesses: () =>
      repaired < 3 ? Promise.reject(new Error('no visibility')) : Promise.resolve(0),
  });
  expect(repaired).toBeGreaterThanOrEqual(3);
});

it('checks the ledger and sweeps although repairs fail, and says so', async () => {
  const done: string[] = [];
  const failed = run('failing', {
    repairStuckWork: () => Promise.reject(new Error('no database')),
    checkLedger: () => Promise.resolve(nothing).finally(() => done.push('ledger')),
    startMissingProcesses: () => Promise.resolve(0).finally(() => done.push('sweep')),
  });
  await expect(failed).rejects.toThrow('Workflow execution failed');
  expect(done.toSorted()).toEqual(['ledger', 'sweep']);
});
