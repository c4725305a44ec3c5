/**
 * Whether the worker of a service works: its own state, its polls, and what Temporal knows of them.
 *
 * The native core repeats a poll that fails without reporting it; a worker may poll for ever at a server that is not there.
 * So the server is asked, over the worker's own connection: its matching has to answer for the worker's queue, and to
 * know the worker's polls.
 */
import type { Worker } from '@temporalio/worker';
import { Pulse } from '../bridge/pulse';
import type { WorkflowClient } from '../temporal/client';

type Watched = Pick<Worker, 'getStatus'> & {
  options: Pick<Worker['options'], 'identity' | 'taskQueue'>;
};

export interface WorkerWatch {
  /** What is wrong; null: nothing. @throws when Temporal does not answer */
  fault(): Promise<string | null>;
  stop(): void;
}

const lookEveryMs = 5_000;
/** Shorter than the bound of a readiness check. */
const answerWithinMs = 1_500;

/** Watches a worker that runs. */
export function watchWorker(worker: Watched, client: Pick<WorkflowClient, 'pollersOf'>): WorkerWatch {
  const { identity, taskQueue } = worker.options;
  const pulses = { workflow: new Pulse(), activity: new Pulse() };
  // Between two polls none is outstanding, for a moment; for long, the process takes no tasks.
  const look = (): void => {
    const status = worker.getStatus();
    if (status.hasOutstandingWorkflowPoll) pulses.workflow.beat();
    if (status.hasOutstandingActivityPoll) pulses.activity.beat();
  };
  const timer = setInterval(look, lookEveryMs).unref();
  return {
    stop: () => clearInterval(timer),
    async fault() {
      look();
      const own = ownFault(worker.getStatus());
      if (own !== null) return own;
      const pollers = await client.pollersOf(taskQueue, { withinMs: answerWithinMs });
      for (const kind of ['workflow', 'activity'] as const) {
        const silent = pulses[kind].fault();
        if (silent !== null) return `${kind} polls: ${silent}`;
        if (!pollers[kind].includes(identity)) return `Temporal knows no ${kind} poll of it`;
      }
      return null;
    },
  };
}

function ownFault({ runState, workflowPollerState, activityPollerState }: ReturnType<Worker['getStatus']>) {
  if (runState !== 'RUNNING') return `it is ${runState}`;
  if (workflowPollerState !== 'POLLING') return `its workflow poller is ${workflowPollerState}`;
  return activityPollerState === 'POLLING' ? null : `its activity poller is ${activityPollerState}`;
}
