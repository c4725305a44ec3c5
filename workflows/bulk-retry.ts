/**
 * One bulk retry: hands the wishes of the selected payments over, batch after batch, no faster than it may, and stays
 * until each of them is judged.
 *
 * The row is the record: how far it is, and whether it is paused, cancelled or completed. Invariants: a run that finds
 * the row begun goes on where it ends; an operator's decision is answered once it is recorded, and no batch begins
 * after it; nothing here decides which payments may be tried.
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

const records = proxyLocalActivities<BulkRetryActivities>({
  scheduleToCloseTimeout: '5 s',
  retry: { initialInterval: '250 ms', maximumAttempts: 5 },
});
const steps = proxyActivities<BulkRetryActivities>({
  startToCloseTimeout: '2 min',
  heartbeatTimeout: '10 s',
  retry: { initialInterval: '1 s', maximumInterval: '30 s' },
});

const firstPollMs = 2_000;
/** Between two looks when nothing moves: a provider is slow, or a part is away. */
const longestPollMs = 30_000;

export async function bulkRetry(input: BulkRetryInput): Promise<void> {
  const { bulk_retry_id: id } = input;
  let notified = false;
  let looks = 0;
  let remaining = 0;
  const decide = async (command: BulkRetryCommand, { actor }: DecideBulkRetry): Promise<void> => {
    const decided = await records.decideBulkRetry(id, command, actor);
    if (decided.kind === 'unknown') throw refusal('not_found', 'There is no such bulk retry.', {});
    if (decided.kind === 'refused') throw refusalOf(decided.status);
    notified = true;
  };
  setHandler(pause, (decision) => decide('pause', decision));
  setHandler(resume, (decision) => decide('resume', decision));
  setHandler(cancel, (decision) => decide('cancel', decision));

  for (;;) {
    await condition(allHandlersFinished);
    notified = false;
    const state = await retryUntilDone(() => records.loadBulkRetry(id));
    if (state !== null) show(state);
    if (state === null || isOver(state.status)) {
      if (allHandlersFinished()) return;
    } else if (state.status === 'paused') {
      await condition(() => notified);
    } else if (state.released < state.progress.total) {
      await release(state);
    } else {
      looks = state.progress.remaining === remaining ? looks + 1 : 1;
      remaining = state.progress.remaining;
      await condition(() => notified, Math.min(firstPollMs * 2 ** (looks - 1), longestPollMs));
    }
    if (workflowInfo().continueAsNewSuggested && allHandlersFinished()) {
      await continueAsNew<typeof bulkRetry>(input);
    }
  }
}

/** One batch, and the rest of the time that it has. */
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
    `handed over: ${released}, at most ${rate} a second`,
  ];
  setCurrentDetails(lines.join('\n\n'));
}
