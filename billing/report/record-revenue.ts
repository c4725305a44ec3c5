/**
 * The facts of the analytics projection: what every version of a subscription is worth a month.
 *
 * Invariant: a version is written once, whatever is repeated.
 */
import type { Subscription } from '../../contracts/http/subscriptions';
import { isRecurring, monthlyAmount } from '../../domain/subscription/recurring-revenue';
import { createBatcher } from '../../prisma/batch';
import { isRefusal, type Database } from '../../prisma/client';
import { sql } from '../../prisma/sql';

export interface SubscriptionVersion {
  subscription: Subscription;
  /** When the version came to be, RFC 3339. */
  time: string;
}

/** Versions in one statement. */
const maxBatch = 200;

/** Creates the function that records a version; versions that come at once share a statement. */
export function createRevenueRecorder(db: Database): (version: SubscriptionVersion) => Promise<void> {
  return createBatcher({
    run: (versions: readonly SubscriptionVersion[]) => insertVersions(db, versions),
    isDueToItem: isRefusal,
    weightOf: () => 1,
    maxItems: maxBatch,
    maxWeight: maxBatch,
    maxInFlight: 1,
  });
}

async function insertVersions(db: Database, versions: readonly SubscriptionVersion[]): Promise<void[]> {
  const of = <T>(column: (subscription: Subscription) => T): T[] =>
    versions.map(({ subscription }) => column(subscription));
  await sql(db).execute`
    INSERT INTO subscription_revenue (subscription_id, version, at, currency, plan_id, status, monthly_amount)
    SELECT * FROM unnest(
      ${of(({ id }) => id)}::text[], ${of(({ version }) => version)}::int[],
      ${versions.map(({ time }) => time)}::timestamptz[], ${of(({ currency }) => currency)}::text[],
      ${of((subscription) => subscription.plan_id)}::text[], ${of(({ status }) => status)}::text[],
      ${of(monthly)}::bigint[])
    ON CONFLICT DO NOTHING`;
  return versions.map(() => undefined);
}

function monthly({ status, amount, interval }: Subscription): number {
  return isRecurring(status) ? monthlyAmount(amount, interval) : 0;
}
