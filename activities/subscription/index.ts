/**
 * The Subscription Service's activities: all that `subscription/{id}` does to the world.
 *
 * Every one is repeatable: run twice, it finds what the first run left.
 */
import type { CancelCommand, SubscriptionCreation } from '../../contracts/commands';
import type { Database } from '../../prisma/client';
import type { FollowUps } from '../payment/follow-ups';
import { beginCreation, type BegunCreation } from './begin';
import { commitCancellation, type Committed } from './cancel';
import { applyFirstPayment } from './first-payment';
import { toRecord, type SubscriptionRecord } from './record';

export type { BegunCreation } from './begin';
export type { Committed } from './cancel';
export type { SubscriptionRecord } from './record';

export interface SubscriptionActivities {
  beginCreation(creation: SubscriptionCreation): Promise<BegunCreation>;
  /** Null when there is no such row. */
  loadSubscription(subscriptionId: string): Promise<SubscriptionRecord | null>;
  applyFirstPayment(subscriptionId: string, expectedVersion: number): Promise<SubscriptionRecord>;
  commitCancellation(
    subscriptionId: string,
    expectedVersion: number,
    command: CancelCommand,
  ): Promise<Committed>;
  /** Starts `payment/{id}` for an attempt without a clear answer; it runs already: fine. */
  startFollowUp(paymentId: string): Promise<void>;
}

export function createSubscriptionActivities(deps: {
  db: Database;
  followUps: FollowUps;
}): SubscriptionActivities {
  const { db, followUps } = deps;
  return {
    beginCreation: (creation) => beginCreation(db, creation),
    loadSubscription: async (subscriptionId) => {
      const row = await db.subscription.findUnique({ where: { id: subscriptionId } });
      return row === null ? null : toRecord(row);
    },
    applyFirstPayment: (subscriptionId, expectedVersion) =>
      applyFirstPayment(db, subscriptionId, expectedVersion),
    commitCancellation: (subscriptionId, expectedVersion, command) =>
      commitCancellation(db, subscriptionId, expectedVersion, command),
    startFollowUp: (paymentId) => followUps.start(paymentId),
  };
}
