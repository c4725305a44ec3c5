/**
 * Starts processes that ought to run and do not: after a namespace was lost, or a workflow was terminated by hand.
 *
 * Invariant: starting one that runs is success, so a sweep may be late, or wrong about the newest, and does no harm.
 */
import { subscriptionStart, testClockStart, type WorkflowStart } from '../contracts/workflows/workflows';
import type { WorkflowClient } from './client';

/** Ids that one query to Temporal may name. */
export const maxIdsPerSweep = 100;

/** Starts at a time. */
const concurrentStarts = 10;

export type MissingWorkflows = ReturnType<typeof createMissingWorkflows>;

export function createMissingWorkflows(client: WorkflowClient) {
  return {
    /** Counts the processes of subscriptions that run. */
    countSubscriptions: (): Promise<number> => client.countRunning('subscription'),
    /**
     * Starts those of the subscriptions' processes that do not run.
     * @param ids at most {@link maxIdsPerSweep}
     * @returns how many were started
     */
    startSubscriptions: (ids: readonly string[]): Promise<number> =>
      startMissing(
        client,
        ids.map((id) => subscriptionStart({ subscription_id: id, creation: null })),
      ),
    /** The same for test clocks, which continue where they stand. */
    startClocks: (ids: readonly string[]): Promise<number> => startMissing(client, ids.map(testClockStart)),
  };
}

async function startMissing(
  client: WorkflowClient,
  starts: readonly WorkflowStart<unknown>[],
): Promise<number> {
  const running = await client.runningOf(starts.map(({ workflowId }) => workflowId));
  const missing = starts.filter(({ workflowId }) => !running.has(workflowId));
  for (let at = 0; at < missing.length; at += concurrentStarts) {
    await Promise.all(missing.slice(at, at + concurrentStarts).map((start) => client.start(start)));
  }
  return missing.length;
}
