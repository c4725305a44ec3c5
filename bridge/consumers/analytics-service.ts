/**
 * Group analytics-service: what every version of a subscription is worth a month.
 *
 * Invariant: a version is written once, whatever is repeated; movements are computed from the order of versions when
 * they are read, so the order in which topics arrive changes nothing.
 */
import type { Subscription } from '../../contracts/http/subscriptions';
import { isRecurring, monthlyAmount } from '../../domain/subscription/recurring-revenue';
import { isRefusal, type Database } from '../../prisma/client';
import { sql } from '../../prisma/sql';
import { createBatcher } from '../../prisma/batch';
import type { Handlers } from '../consumer/consumer';

interface Version {
  subscription: Subscription;
  /** When it came to be. */
  time: string;
}

/** Versions in one statement. */
const maxBatch = 200;

export function analyticsServiceHandlers(db: Database): Handlers {
  const note = createBatcher({
    run: (versions: readonly Version[]) => noteAll(db, versions),
    mayBlameOne: isRefusal,
    weightOf: () => 1,
    maxItems: maxBatch,
    maxWeight: maxBatch,
    maxUnderWay: 1,
  });
  return {
    'subscriptions.created': ({ data: { subscription }, time }) => note({ subscription, time }),
    'subscriptions.updated': ({ data: { subscription }, time }) => note({ subscription, time }),
    'subscriptions.cancelled': ({ data: { subscription }, time }) => note({ subscription, time }),
  };
}

async function noteAll(db: Database, versions: readonly Version[]): Promise<void[]> {
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
