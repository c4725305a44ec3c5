/**
 * Publishes the subscriptions that are due: one endless loop for each shard.
 *
 * Invariants: rows and the database's clock decide what is due; the activity sets the pace of the loop; a database that
 * is down delays it and loses nothing.
 */
import {
  continueAsNew,
  proxyLocalActivities,
  setCurrentDetails,
  sleep,
  workflowInfo,
} from '@temporalio/workflow';
import type { PublishedBatch, RetryActivities } from '../activities/retry';
import type { RenewalSchedulerInput } from '../contracts/workflows/commands';
import { failureCause } from './activity-retry';

const { publishDue } = proxyLocalActivities<RetryActivities>({
  scheduleToCloseTimeout: '5 s',
  retry: { initialInterval: '250 ms', maximumAttempts: 3 },
});

const downMs = 5_000;

export async function renewalScheduler(input: RenewalSchedulerInput): Promise<void> {
  while (!workflowInfo().continueAsNewSuggested) {
    const batch = await publishBatch(input.shard);
    setCurrentDetails(details(batch));
    const waitMs = batch === null ? downMs : batch.wait_ms;
    if (waitMs > 0) await sleep(waitMs, { summary: 'until something is due, or the next poll' });
  }
  await continueAsNew<typeof renewalScheduler>(input);
}

/** Null: the database is down. */
async function publishBatch(shard: number): Promise<PublishedBatch | null> {
  try {
    return await publishDue(shard);
  } catch (error) {
    if (failureCause(error) === null) throw error;
    return null;
  }
}

function details(batch: PublishedBatch | null): string {
  if (batch === null) return 'The database is down; nothing is lost.';
  if (batch.paused) return 'Paused by an operator; nothing is published.';
  const last = `published last: ${batch.published}, the oldest ${Math.round(batch.late_ms / 1000)} s late`;
  return `${last}\n\nnext due: ${batch.next_due_at ?? 'nothing'}`;
}
