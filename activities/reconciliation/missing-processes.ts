/**
 * Subscriptions that live and have no process: after a namespace was lost, or a workflow was terminated by hand.
 *
 * Invariant: starting one that runs is success, so the sweep may be late, or wrong about the newest, and does no harm.
 */
import type { Client } from '@temporalio/client';
import { subscriptionStart, subscriptionWorkflowId } from '../../contracts/workflows';
import { finalStatuses } from '../../domain/subscription';
import type { Database } from '../../prisma/client';

/** Ids that one question to Temporal may name. */
const batchSize = 100;

export interface Sweep {
  started: number;
  /** Where the next batch begins; null: all were looked at. */
  next: string | null;
}

/** Whether there are fewer processes than living subscriptions. */
export async function processesAreMissing(db: Database, client: Client): Promise<boolean> {
  const living = await db.subscription.count({ where: { status: { notIn: [...finalStatuses] } } });
  const { count } = await client.workflow.count(
    `WorkflowType = 'subscription' AND ExecutionStatus = 'Running'`,
  );
  return count < living;
}

/** Starts the missing processes of one batch. @param after id of the last one looked at; null: from the beginning */
export async function startMissing(db: Database, client: Client, after: string | null): Promise<Sweep> {
  const rows = await db.subscription.findMany({
    where: { status: { notIn: [...finalStatuses] }, ...(after !== null && { id: { gt: after } }) },
    orderBy: { id: 'asc' },
    take: batchSize,
    select: { id: true },
  });
  if (rows.length === 0) return { started: 0, next: null };
  const names = rows.map(({ id }) => `'${subscriptionWorkflowId(id).replaceAll("'", "''")}'`).join(', ');
  const running = new Set<string>();
  const query = `ExecutionStatus = 'Running' AND WorkflowId IN (${names})`;
  for await (const { workflowId } of client.workflow.list({ query })) running.add(workflowId);
  const missing = rows.filter(({ id }) => !running.has(subscriptionWorkflowId(id)));
  for (const { id } of missing) await startProcess(client, id);
  return { started: missing.length, next: rows.length < batchSize ? null : (rows.at(-1)?.id ?? null) };
}

async function startProcess(client: Client, id: string): Promise<void> {
  const { workflowType, ...options } = subscriptionStart({ subscription_id: id, creation: null });
  await client.workflow.start(workflowType, {
    ...options,
    workflowIdReusePolicy: 'ALLOW_DUPLICATE',
    workflowIdConflictPolicy: 'USE_EXISTING',
    staticSummary: `Subscription ${id}`,
  });
}
