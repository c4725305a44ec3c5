/** Records about subscriptions that have no row, as another service would write them, and their history. */
import type { Database } from '../../../prisma/client';
import { writeEnvelope } from '../../../contracts/topics/envelope';
import type { OutgoingRecord } from '../../../bridge/kafka/port';
import type { Subscription } from '../../../contracts/http/subscriptions';
import { someTrace } from '../trace';

/** An active subscription without a period. */
export function snapshotOf(id: string, version: number, at: Date): Subscription {
  const instant = at.toISOString();
  return {
    id,
    customer_id: 'cus_1',
    plan_id: 'gold',
    quantity: 1,
    status: 'active',
    currency: 'EUR',
    amount: 1000,
    balance: 0,
    interval: { unit: 'month', count: 1 },
    time_zone: 'UTC',
    billing_anchor: instant,
    start_at: instant,
    period: null,
    trial_end: null,
    cancel_at: null,
    cancelled_at: null,
    paused_at: null,
    resume_at: null,
    pending_change: null,
    payment_method_id: null,
    provider: null,
    open_payment_id: null,
    retry_policy_id: 'default',
    version,
    test_clock_id: null,
    metadata: {},
    created_at: instant,
  };
}

/** A record of `subscriptions.updated`, as the contract wants it. */
export function subscriptionUpdated(id: string, version: number, at: Date): OutgoingRecord {
  const topic = 'subscriptions.updated';
  const data = {
    subscription: snapshotOf(id, version, at),
    changes: ['metadata_changed' as const],
    previous: {},
    actor: { kind: 'system' as const, id: 'test', reason: null },
  };
  const event = {
    topic,
    id: `${id}/v${version}`,
    source: '/subscription-service',
    subject: id,
    key: id,
    trace: someTrace,
    data,
  } as const;
  return {
    topic,
    key: id,
    value: writeEnvelope(event, at),
    headers: { 'content-type': 'application/cloudevents+json' },
  };
}

/** Writes the history's row of each version: consumers believe it, not the record. */
export async function writeHistory(
  db: Database,
  versions: readonly { subscription: Subscription; at: Date }[],
): Promise<void> {
  const actor = { kind: 'system', id: 'test', reason: null };
  await db.change.createMany({
    data: versions.map(({ subscription, at }) => ({
      subject_id: subscription.id,
      version: subscription.version,
      command_id: `test/${subscription.id}/v${subscription.version}`,
      changes: ['metadata_changed'],
      actor,
      result: subscription,
      at,
    })),
    skipDuplicates: true,
  });
}

/** Writes the history of these subscriptions, each in version 1. */
export async function writeFirstVersions(db: Database, ids: readonly string[], at: Date): Promise<void> {
  await writeHistory(
    db,
    ids.map((id) => ({ subscription: snapshotOf(id, 1, at), at })),
  );
}
