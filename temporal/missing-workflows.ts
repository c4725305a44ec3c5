/**
 * What lives and has no process: after a namespace was lost, or a workflow was terminated by hand.
 *
 * Invariant: starting one that runs is success, so the sweep may be late, or wrong about the newest, and does no harm.
 */
import type { Client } from '@temporalio/client';
import { subscriptionStart, testClockStart, type WorkflowStart } from '../contracts/workflows/workflows';
import { finalStatuses } from '../domain/subscription/subscription';
import type { Database } from '../prisma/client';

/** Ids that one question to Temporal may name. */
const batchSize = 100;

export interface Sweep {
  started: number;
  /** Where the next batch begins; null: all were looked at. */
  next: string | null;
}

interface Process {
  start: WorkflowStart<object>;
  summary: string;
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
export async function startMissingSubscriptions(
  db: Database,
  client: Client,
  after: string | null,
): Promise<Sweep> {
  const rows = await db.subscription.findMany({
    where: { status: { notIn: [...finalStatuses] }, ...(after !== null && { id: { gt: after } }) },
    orderBy: { id: 'asc' },
    take: batchSize,
    select: { id: true },
  });
  const processes = rows.map(({ id }) => ({
    start: subscriptionStart({ subscription_id: id, creation: null }),
    summary: `Subscription ${id}`,
  }));
  return sweep(client, rows, processes);
}

/** The same of test clocks that are being advanced, which go on where they stand. */
export async function startMissingClocks(db: Database, client: Client, after: string | null): Promise<Sweep> {
  const rows = await db.testClock.findMany({
    where: { status: 'advancing', ...(after !== null && { id: { gt: after } }) },
    orderBy: { id: 'asc' },
    take: batchSize,
    select: { id: true },
  });
  const processes = rows.map(({ id }) => ({ start: testClockStart(id), summary: `Test clock ${id}` }));
  return sweep(client, rows, processes);
}

async function sweep(
  client: Client,
  rows: readonly { id: string }[],
  processes: readonly Process[],
): Promise<Sweep> {
  const started = await startMissing(client, processes);
  return { started, next: rows.length < batchSize ? null : (rows.at(-1)?.id ?? null) };
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
