/** The record as workflows hold it: the snapshot and the few columns beside it that the process needs. */
import type { Subscription } from '../../contracts/http/subscriptions';
import type { Database } from '../../prisma/client';
import { instantOrNull, toSubscription, type SubscriptionRow } from '../rows';
import { findSubscription } from './store';

export type { SubscriptionRow } from '../rows';

/** What histories hold of a subscription: free text lies in its row only. */
export type HeldSubscription = Omit<Subscription, 'metadata'>;

export interface SubscriptionRecord {
  subscription: HeldSubscription;
  next_due_at: string | null;
  first_payment_id: string | null;
}

/** From a row. */
export function toRecord(row: SubscriptionRow): SubscriptionRecord {
  const { metadata: _, ...subscription } = toSubscription(row);
  return {
    subscription,
    next_due_at: instantOrNull(row.next_due_at),
    first_payment_id: row.first_payment_id,
  };
}

/** Null when there is no such subscription. */
export async function loadRecord(db: Database, subscriptionId: string): Promise<SubscriptionRecord | null> {
  const row = await findSubscription(db, subscriptionId);
  return row === null ? null : toRecord(row);
}
