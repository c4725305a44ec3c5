/**
 * Speaks when subscriptions are due: one loop for each shard, for ever.
 *
 * Invariants: what is due is a matter of rows and of the database's clock; this workflow only keeps asking, no faster
 * than it is told to; a database that is away delays it and loses nothing.
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
    const batch = await batchOrNull(input.shard);
    setCurrentDetails(details(batch));
    const waitMs = batch === null ? downMs : batch.wait_ms;
    if (waitMs > 0) await sleep(waitMs, { summary: 'until something is due, or the next look' });
  }
  await continueAsNew<typeof renewalScheduler>(input);
}

/** Null: the database is away. */
async function batchOrNull(shard: number): Promise<PublishedBatch | null> {
  try {
    return await publishDue(shard);
  } catch (error) {
    if (failureCause(error) === null) throw error;
    return null;
  }
}

function details(batch: PublishedBatch | null): string {
  if (batch === null) return 'The database is away; nothing is lost.';
  if (batch.paused) return 'Paused by an operator; nothing is announced.';
  const last = `published last: ${batch.published}, the oldest ${Math.round(batch.late_ms / 1000)} s late`;
  return `${last}\n\nnext due: ${batch.next_due_at ?? 'nothing'}`;
}
