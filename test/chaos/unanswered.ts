/** What a workflow was doing that a caller waited for in vain. For the report of a fault test. */
import type { Client } from '@temporalio/client';

const lastEvents = 25;

/** Describes the workflow that a path of the API is about; empty where there is none. */
export async function workflowBehind(temporal: Client, path: string): Promise<string> {
  const id = /^\/(payments|subscriptions)\/([^/?]+)/.exec(path)?.[2];
  if (id === undefined) return '';
  const workflowId = `${id.startsWith('pay_') ? 'payment' : 'subscription'}/${id}`;
  try {
    const handle = temporal.workflow.getHandle(workflowId);
    const { status, runId, raw } = await handle.describe();
    const pending = (raw.pendingActivities ?? []).map(
      ({ activityType, attempt, lastFailure, state }) =>
        `  pending ${activityType?.name}, state ${state}, attempt ${attempt}: ${lastFailure?.message ?? 'no failure'}`,
    );
    const { events = [] } = await handle.fetchHistory();
    const lines = (events ?? []).slice(-lastEvents).map((event) => {
      const name = Object.keys(event).find((key) => key.endsWith('Attributes')) ?? '';
      const seconds = Number(event.eventTime?.seconds ?? 0);
      return `  ${new Date(seconds * 1_000).toISOString()} ${String(event.eventId)} ${name}`;
    });
    return [`${workflowId} ${runId} is ${status.name}`, ...pending, ...lines].join('\n');
  } catch (error) {
    return `${workflowId}: ${String(error)}`;
  }
}
