/**
 * Starts processes that ought to run and do not: after a namespace was lost, or a workflow was terminated by hand.
 *
 * Invariant: starting one that runs is success, so a sweep may be late, or wrong about the newest, and does no harm.
 */
import type { Client } from '@temporalio/client';
import { subscriptionStart, testClockStart, type WorkflowStart } from '../contracts/workflows/workflows';

/** Ids that one query to Temporal may name. */
export const maxIdsPerSweep = 100;

export interface MissingWorkflows {
  /** Processes of subscriptions that run. */
  countSubscriptions(): Promise<number>;
  /**
   * Starts those of the subscriptions' processes that do not run.
   * @param ids at most {@link maxIdsPerSweep}
   * @returns how many were started
   */
  startSubscriptions(ids: readonly string[]): Promise<number>;
  /** The same for test clocks, which continue where they stand. */
  startClocks(ids: readonly string[]): Promise<number>;
}

interface Process {
  start: WorkflowStart<object>;
  summary: string;
}

export function createMissingWorkflows(client: Client): MissingWorkflows {
  return {
    async countSubscriptions() {
      const query = `WorkflowType = 'subscription' AND ExecutionStatus = 'Running'`;
      return (await client.workflow.count(query)).count;
    },
    startSubscriptions: (ids) =>
      startMissing(
        client,
        ids.map((id) => ({
          start: subscriptionStart({ subscription_id: id, creation: null }),
          summary: `Subscription ${id}`,
        })),
      ),
    startClocks: (ids) =>
      startMissing(
        client,
        ids.map((id) => ({ start: testClockStart(id), summary: `Test clock ${id}` })),
      ),
  };
}

async function startMissing(client: Client, processes: readonly Process[]): Promise<number> {
  if (processes.length === 0) return 0;
  const names = processes.map(({ start }) => `'${start.workflowId.replaceAll("'", "''")}'`).join(', ');
  const running = new Set<string>();
  const query = `ExecutionStatus = 'Running' AND WorkflowId IN (${names})`;
  for await (const { workflowId } of client.workflow.list({ query })) running.add(workflowId);
  const missing = processes.filter(({ start }) => !running.has(start.workflowId));
  for (const { start, summary } of missing) {
    const { workflowType, ...options } = start;
    await client.workflow.start(workflowType, {
      ...options,
      workflowIdReusePolicy: 'ALLOW_DUPLICATE',
      workflowIdConflictPolicy: 'USE_EXISTING',
      staticSummary: summary,
    });
  }
  return missing.length;
}
