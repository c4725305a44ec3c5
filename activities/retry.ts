/** The Retry Service's activities. */
import { Context } from '@temporalio/activity';
import { attachTexts } from '../billing/command-texts';
import type { BulkRetryCommand } from '../domain/retry/bulk-retry';
import type {
  AdvanceClock,
  DecideBulkRetry,
  DunningExhausted,
  DunningStarted,
} from '../contracts/workflows/commands';
import type { Database } from '../prisma/client';
import type { AttemptAnswer } from '../billing/payment/begin-attempt';
import type { Messenger } from '../temporal/messenger';
import { sendMessages } from '../temporal/send';
import {
  decideBulkRetry,
  loadBulkRetry,
  releaseBatch,
  type Batch,
  type BulkRetryState,
  type DecidedBulkRetry,
} from '../billing/retry/run-bulk-retry';
import { planRetry, type RetryState } from '../billing/retry/plan';
import { publishDue, type PublishedBatch, type Schedule } from '../billing/renewal/publish-due';
import {
  beginAdvance,
  dueMessages,
  failAdvance,
  reportProgress,
  stepClock,
  type BegunAdvance,
  type ClockProgress,
  type ClockState,
} from '../billing/test-clock/advance';
import { concludeRequest, nextRequest, type RequestedRetry } from '../billing/retry/requests';

export type { Batch, BulkRetryState, DecidedBulkRetry } from '../billing/retry/run-bulk-retry';
export type { RetryState } from '../billing/retry/plan';
export type { PublishedBatch } from '../billing/renewal/publish-due';
export type { ClockProgress, ClockState } from '../billing/test-clock/advance';

export interface RetryActivities {
  /** Plans what comes next for a failed payment, and stores it. Null when there is no such payment. */
  planRetry(paymentId: string): Promise<RetryState | null>;
  /** Finds the oldest manual retry request that may be executed. */
  nextRequest(paymentId: string): Promise<RequestedRetry | null>;
  concludeRequest(requestId: string, answer: AttemptAnswer): Promise<void>;
  /** Starts `payment/{id}` for an attempt without a clear answer. */
  startFollowUp(paymentId: string): Promise<void>;
  signalDunningStarted(subscriptionId: string, message: DunningStarted): Promise<void>;
  signalDunningExhausted(subscriptionId: string, message: DunningExhausted): Promise<void>;
  /** Publishes one batch of what is due in a shard. */
  publishDue(shard: number): Promise<PublishedBatch>;
}

export interface TestClockActivities {
  /** Records the instant that the clock is to advance to. */
  beginAdvance(clockId: string, command: AdvanceClock): Promise<BegunAdvance>;
  /** Advances from one due instant to the next, for some seconds, and reports the progress. */
  advanceClock(clockId: string): Promise<ClockProgress>;
  failAdvance(clockId: string): Promise<ClockState>;
}

export interface BulkRetryActivities {
  /** Loads a run and its progress; null when there is no such one. */
  loadBulkRetry(bulkRetryId: string): Promise<BulkRetryState | null>;
  /** Releases the requests of one batch. */
  releaseBatch(bulkRetryId: string, batch: Batch): Promise<void>;
  /** Executes an operator's decision. */
  decideBulkRetry(
    bulkRetryId: string,
    command: BulkRetryCommand,
    decision: DecideBulkRetry,
  ): Promise<DecidedBulkRetry>;
}

export interface RetryDependencies {
  db: Database;
  messenger: Messenger;
  schedule: Schedule;
  onPublished(batch: PublishedBatch): void;
  /** Real time without progress after which the advance of a test clock has failed. */
  stallMs: number;
  /** Whether time may be made to pass here; else an advance in progress fails at its next step. */
  allowTestClocks: boolean;
}

export function createRetryActivities(
  deps: RetryDependencies,
): RetryActivities & TestClockActivities & BulkRetryActivities {
  const { db, messenger } = deps;
  return {
    planRetry: (paymentId) => planRetry(db, paymentId),
    nextRequest: (paymentId) => nextRequest(db, paymentId),
    concludeRequest: (requestId, answer) => concludeRequest(db, requestId, answer),
    startFollowUp: (paymentId) => messenger.start(paymentId),
    signalDunningStarted: (id, message) => messenger.signalDunningStarted(id, message),
    signalDunningExhausted: (id, message) => messenger.signalDunningExhausted(id, message),
    async publishDue(shard) {
      const batch = await publishDue(db, deps.schedule, shard);
      deps.onPublished(batch);
      return batch;
    },
    beginAdvance: (clockId, command) => beginAdvance(db, clockId, command),
    advanceClock: (clockId) => advanceClock({ ...deps, pause }, clockId),
    failAdvance: (clockId) => failAdvance(db, clockId),
    loadBulkRetry: (id) => loadBulkRetry(db, id),
    async releaseBatch(id, batch) {
      const context = Context.current();
      await sendMessages(messenger, await releaseBatch(db, id, batch), () => context.heartbeat());
    },
    async decideBulkRetry(id, command, decision) {
      const { actor } = await attachTexts(db, decision);
      return decideBulkRetry(db, id, command, actor);
    },
  };
}

/** One activity advances for so long at most; then the workflow shows how far it is. */
const defaultAdvanceForMs = 5_000;
const pollMs = 50;

/** Advances a clock step by step, and sends what each step makes due. @param pause between two steps */
export async function advanceClock(
  {
    db,
    messenger,
    stallMs,
    allowTestClocks,
    advanceForMs = defaultAdvanceForMs,
    pause: wait,
  }: ClockDependencies,
  clockId: string,
): Promise<ClockProgress> {
  if (!allowTestClocks) {
    await failAdvance(db, clockId, 'test clocks are switched off here: ALLOW_TEST_CLOCKS');
    return reportProgress(db, clockId, stallMs, { kind: 'ended', waitsFor: [] });
  }
  const endAtMs = performance.now() + advanceForMs;
  // An earlier execution may have ended between the clock's move and its messages.
  await sendMessages(messenger, await dueMessages(db, clockId));
  for (;;) {
    const step = await stepClock(db, clockId);
    if (step.kind === 'moved') await sendMessages(messenger, await dueMessages(db, clockId));
    if (step.kind === 'ended' || performance.now() >= endAtMs) {
      return reportProgress(db, clockId, stallMs, step);
    }
    await wait(step.kind === 'moved' ? 0 : pollMs);
  }
}

export interface ClockDependencies extends Pick<
  RetryDependencies,
  'db' | 'messenger' | 'stallMs' | 'allowTestClocks'
> {
  advanceForMs?: number;
  /** Waits between two steps. @throws when the work is to end */
  pause(ms: number): Promise<void>;
}

/** Sleeps in an activity: heartbeats, and ends with its worker. */
async function pause(ms: number): Promise<void> {
  const context = Context.current();
  context.heartbeat();
  await context.sleep(ms);
}
