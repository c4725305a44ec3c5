/** The Retry Service's activities: what its workflows do to the world. */
import { Context } from '@temporalio/activity';
import type { Actor } from '../contracts/fields';
import type { BulkRetryCommand } from '../domain/retry/bulk-retry';
import type { AdvanceClock, DunningExhausted, DunningStarted } from '../contracts/workflows/commands';
import type { Database } from '../prisma/client';
import type { AttemptAnswer } from '../billing/payment/begin-attempt';
import type { Messenger } from '../temporal/messenger';
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
  failAdvance,
  advanceClock,
  type BegunAdvance,
  type ClockProgress,
  type ClockState,
} from '../billing/test-clock/advance';

import { concludeRequest, nextRequest, type WantedAttempt } from '../billing/retry/requests';

export type { Batch, BulkRetryState, DecidedBulkRetry } from '../billing/retry/run-bulk-retry';
export type { RetryState } from '../billing/retry/plan';
export type { PublishedBatch } from '../billing/renewal/publish-due';
export type { ClockProgress, ClockState } from '../billing/test-clock/advance';

export interface RetryActivities {
  /** What comes next for a failed payment; stored. Null when there is no such payment. */
  planRetry(paymentId: string): Promise<RetryState | null>;
  /** The oldest wish of a person that may be fulfilled. */
  nextRequest(paymentId: string): Promise<WantedAttempt | null>;
  concludeRequest(requestId: string, answer: AttemptAnswer): Promise<void>;
  /** Starts `payment/{id}` for an attempt without a clear answer. */
  startFollowUp(paymentId: string): Promise<void>;
  signalDunningStarted(subscriptionId: string, message: DunningStarted): Promise<void>;
  signalDunningExhausted(subscriptionId: string, message: DunningExhausted): Promise<void>;
  /** Announces one batch of what is due in a shard. */
  publishDue(shard: number): Promise<PublishedBatch>;
}

export interface TestClockActivities {
  /** Records where the clock is to go. */
  beginAdvance(clockId: string, command: AdvanceClock): Promise<BegunAdvance>;
  /** Goes from one due instant to the next, for some seconds, and says how far it came. */
  advanceClock(clockId: string): Promise<ClockProgress>;
  failAdvance(clockId: string): Promise<ClockState>;
}

export interface BulkRetryActivities {
  /** How far it is; null when there is no such one. */
  loadBulkRetry(bulkRetryId: string): Promise<BulkRetryState | null>;
  /** Hands the wishes of one batch over. */
  releaseBatch(bulkRetryId: string, batch: Batch): Promise<void>;
  /** Carries out what an operator decided. */
  decideBulkRetry(bulkRetryId: string, command: BulkRetryCommand, actor: Actor): Promise<DecidedBulkRetry>;
}

export interface RetryDependencies {
  db: Database;
  messenger: Messenger;
  schedule: Schedule;
  onPublished(batch: PublishedBatch): void;
  /** Real time without progress after which the advance of a test clock has failed. */
  stallMs: number;
}

export function createRetryActivities(
  deps: RetryDependencies,
): RetryActivities & TestClockActivities & BulkRetryActivities {
  const { db, messenger } = deps;
  const clockDeps = { ...deps, pause };
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
    beginAdvance: (clockId, command) => beginAdvance(clockDeps, clockId, command),
    advanceClock: (clockId) => advanceClock(clockDeps, clockId),
    failAdvance: (clockId) => failAdvance(clockDeps, clockId),
    loadBulkRetry: (id) => loadBulkRetry(db, id),
    releaseBatch: (id, batch) =>
      releaseBatch({ db, messenger, beat: () => Context.current().heartbeat() }, id, batch),
    decideBulkRetry: (id, command, actor) => decideBulkRetry(db, id, command, actor),
  };
}

/** A sleep of an activity: it shows that it lives, and ends with its worker. */
async function pause(ms: number): Promise<void> {
  const context = Context.current();
  context.heartbeat();
  await context.sleep(ms);
}
