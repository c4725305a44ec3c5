/** The Retry Service's activities: what its workflows do to the world. */
import type { CollectionExhausted, CollectionStarted } from '../../contracts/commands';
import type { Database } from '../../prisma/client';
import type { AttemptAnswer } from '../payment/begin-attempt';
import type { FollowUps } from '../payment/follow-ups';
import { planRetry, type RetryState } from './plan';
import { publishDue, type PublishedBatch, type Schedule } from './publish-due';

import { concludeRequest, nextRequest, type WantedAttempt } from './requests';

export type { RetryState } from './plan';
export type { PublishedBatch } from './publish-due';

export interface RetryActivities {
  /** What comes next for a failed payment; stored. Null when there is no such payment. */
  planRetry(paymentId: string): Promise<RetryState | null>;
  /** The oldest wish of a person that may be fulfilled. */
  nextRequest(paymentId: string): Promise<WantedAttempt | null>;
  concludeRequest(requestId: string, answer: AttemptAnswer): Promise<void>;
  /** Starts `payment/{id}` for an attempt without a clear answer. */
  startFollowUp(paymentId: string): Promise<void>;
  tellCollectionStarted(subscriptionId: string, told: CollectionStarted): Promise<void>;
  tellCollectionExhausted(subscriptionId: string, told: CollectionExhausted): Promise<void>;
  /** Announces one batch of what is due in a shard. */
  publishDue(shard: number): Promise<PublishedBatch>;
}

export function createRetryActivities(deps: {
  db: Database;
  followUps: FollowUps;
  schedule: Schedule;
  onPublished(batch: PublishedBatch): void;
}): RetryActivities {
  const { db, followUps } = deps;
  return {
    planRetry: (paymentId) => planRetry(db, paymentId),
    nextRequest: (paymentId) => nextRequest(db, paymentId),
    concludeRequest: (requestId, answer) => concludeRequest(db, requestId, answer),
    startFollowUp: (paymentId) => followUps.start(paymentId),
    tellCollectionStarted: (id, told) => followUps.tellCollectionStarted(id, told),
    tellCollectionExhausted: (id, told) => followUps.tellCollectionExhausted(id, told),
    async publishDue(shard) {
      const batch = await publishDue(db, deps.schedule, shard);
      deps.onPublished(batch);
      return batch;
    },
  };
}
