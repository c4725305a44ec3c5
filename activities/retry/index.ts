/** The Retry Service's activities: what its workflows do to the world. */
import type { Database } from '../../prisma/client';
import { publishDue, type PublishedBatch, type Schedule } from './publish-due';

export type { PublishedBatch } from './publish-due';

export interface RetryActivities {
  /** Announces one batch of what is due in a shard. */
  publishDue(shard: number): Promise<PublishedBatch>;
}

export function createRetryActivities(deps: {
  db: Database;
  schedule: Schedule;
  onPublished(batch: PublishedBatch): void;
}): RetryActivities {
  return {
    async publishDue(shard) {
      const batch = await publishDue(deps.db, deps.schedule, shard);
      deps.onPublished(batch);
      return batch;
    },
  };
}
