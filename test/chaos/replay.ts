/** Whether the workflows of today would go on with the histories that a run has made. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { DefaultLogger, Runtime, Worker } from '@temporalio/worker';
import { repositoryFolder } from '../../dev/platform/options';
import type { Chaos } from './context';
import type { WorkflowFact } from './facts';

/** @returns a line for each of these workflows whose history does not replay */
export async function replayFailures(
  { temporal, figures }: Chaos,
  workflows: readonly WorkflowFact[],
): Promise<string[]> {
  const codePath = join(repositoryFolder(), 'dist', 'workflow-bundle.js');
  if (!existsSync(codePath)) throw new Error(`${codePath} is missing: npm run build`);
  async function* histories() {
    for (const { id, runId } of workflows) {
      const history = await temporal.workflow.getHandle(id, runId).fetchHistory();
      yield { workflowId: id, history };
    }
  }
  if (workflows.length === 0) return [];
  silenceReplays();
  const failures: string[] = [];
  for await (const { workflowId, error } of Worker.runReplayHistories(
    { workflowBundle: { codePath } },
    histories(),
  )) {
    figures.add('histories replayed');
    if (error !== undefined) failures.push(`every history replays: ${workflowId}: ${error.message}`);
  }
  return failures;
}

let isSilent = false;

/**
 * Once a process, and not before there is something to replay: the runtime ends with the last replay, and one that
 * nobody uses would keep a process from ending.
 */
function silenceReplays(): void {
  if (isSilent) return;
  isSilent = true;
  Runtime.install({
    logger: new DefaultLogger('ERROR'),
    telemetryOptions: { logging: { forward: {}, filter: 'OFF' } },
  });
}
