/**
 * Runs one bulk retry: releases the retry requests of the selected payments, batch after batch at the given rate, and
 * ends when each of them is settled.
 *
 * Invariants:
 * - The row is the record: the position of the run, and whether it is paused, cancelled or completed.
 * - A run that finds the row begun continues from its position.
 * - An operator's decision is answered once it is recorded, and no batch begins after it.
 * - Nothing here decides which payments may be retried.
 */
import {
  allHandlersFinished,
  condition,
  continueAsNew,
  defineUpdate,
  proxyActivities,
  proxyLocalActivities,
  setCurrentDetails,
  setHandler,
  sleep,
  workflowInfo,
} from '@temporalio/workflow';
import type { BulkRetryActivities, BulkRetryState } from '../activities/retry';
import type { BulkRetryInput, DecideBulkRetry } from '../contracts/workflows/commands';
import { isOver, paceOf, type BulkRetryCommand } from '../domain/retry/bulk-retry';
import { retryUntilDone } from './activity-retry';
import { refusal } from './refusals';

/** Answered when the decision is recorded; refused with a code of the error table. */
export const pause = defineUpdate<void, [DecideBulkRetry]>('pause');
export const resume = defineUpdate<void, [DecideBulkRetry]>('resume');
export const cancel = defineUpdate<void, [DecideBulkRetry]>('cancel');

const database = proxyLocalActivities<BulkRetryActivities>({
  scheduleToCloseTimeout: '5 s',
  retry: { initialInterval: '250 ms', maximumAttempts: 5 },
});
const steps = proxyActivities<BulkRetryActivities>({
  startToCloseTimeout: '2 min',
  heartbeatTimeout: '10 s',
  retry: { initialInterval: '1 s', maximumInterval: '30 s' },
});

const firstPollMs = 2_000;
/** Between two polls when nothing moves: a provider is slow, or a part is down. */
const longestPollMs = 30_000;

export async function bulkRetry(input: BulkRetryInput): Promise<void> {
  const { bulk_retry_id: id } = input;
  let decided = false;
  let polls = 0;
  let remaining = 0;
  const decide = async (command: BulkRetryCommand, decision: DecideBulkRetry): Promise<void> => {
    const result = await database.decideBulkRetry(id, command, decision);
    if (result.kind === 'unknown') throw refusal('not_found', 'There is no such bulk retry.', {});
    if (result.kind === 'refused') throw refusalOf(result.status);
    decided = true;
  };
  setHandler(pause, (decision) => decide('pause', decision));
  setHandler(resume, (decision) => decide('resume', decision));
  setHandler(cancel, (decision) => decide('cancel', decision));

  for (;;) {
    await condition(allHandlersFinished);
    decided = false;
    const state = await retryUntilDone(() => database.loadBulkRetry(id));
    if (state !== null) show(state);
    if (state === null || isOver(state.status)) {
      if (allHandlersFinished()) return;
    } else if (state.status === 'paused') {
      await condition(() => decided);
    } else if (state.released < state.progress.total) {
      await release(state);
    } else {
      polls = state.progress.remaining === remaining ? polls + 1 : 1;
      remaining = state.progress.remaining;
      await condition(() => decided, Math.min(firstPollMs * 2 ** (polls - 1), longestPollMs));
    }
    if (workflowInfo().continueAsNewSuggested && allHandlersFinished()) {
      await continueAsNew<typeof bulkRetry>(input);
    }
  }
}

/** Releases one batch, and waits for the rest of its time. */
async function release({
  bulk_retry_id: id,
  rate_per_second: rate,
  released,
}: BulkRetryState): Promise<void> {
  const { batch, everyMs } = paceOf(rate);
  const beganMs = Date.now();
  await steps.releaseBatch(id, { after: released, payments: batch });
  const leftMs = beganMs + everyMs - Date.now();
  // Not cut short by a decision: a resumption does not make it faster.
  if (leftMs > 0) await sleep(leftMs, { summary: `${rate} payments a second at most` });
}

function refusalOf(status: string) {
  return refusal('bulk_retry_state', `The bulk retry is ${status}.`, { reason: status });
}

function show({ status, rate_per_second: rate, released, progress }: BulkRetryState): void {
  const { total, attempted, refused, remaining } = progress;
  const lines = [
    `**${status}**`,
    `${attempted} attempted, ${refused} refused, ${remaining} of ${total} remain`,
    `released: ${released}, at most ${rate} a second`,
  ];
  setCurrentDetails(lines.join('\n\n'));
}
