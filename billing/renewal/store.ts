/** Statements over the subscriptions that are due. */
import type { Transaction } from '../../prisma/client';
import { Prisma } from '../../prisma/generated/client';
import { sql } from '../../prisma/sql';
import { exceptLocked } from '../locks';
import { subscriptionColumns, type SubscriptionRow } from '../rows';

/** One shard of all subscriptions. */
export interface ShardPlace {
  shard: number;
  shards: number;
}

/** Whether an operator has paused the scheduler. */
export async function isPaused(tx: Transaction): Promise<boolean> {
  const rows = await sql(tx).query<object[]>`SELECT 1 FROM renewal_pauses LIMIT 1`;
  return rows.length > 0;
}

/** By real time, not published yet; customers with a test clock excepted. The condition of `subscriptions_due`. */
export const unpublished = Prisma.sql`announced_version IS DISTINCT FROM version AND test_clock_id IS NULL`;
const inShard = ({ shard, shards }: ShardPlace): Prisma.Sql =>
  Prisma.sql`mod(abs(hashtextextended(id, 0)), ${shards}) = ${shard}`;

/** Locks the subscriptions of a shard that are due, in due order. @returns their ids */
export async function lockDue(
  tx: Transaction,
  place: ShardPlace,
  limit: number,
  now: Date,
): Promise<string[]> {
  const rows = await sql(tx).query<{ id: string }[]>`
    SELECT id FROM subscriptions WHERE next_due_at <= ${now} AND ${unpublished} AND ${inShard(place)}
    ORDER BY next_due_at, id LIMIT ${limit} ${exceptLocked}`;
  return rows.map(({ id }) => id);
}

/** Locks the subscriptions that are due by a test clock, in due order. @returns their ids */
export async function lockDueByClock(tx: Transaction, testClockId: string, now: Date): Promise<string[]> {
  const rows = await sql(tx).query<{ id: string }[]>`
    SELECT id FROM subscriptions
    WHERE test_clock_id = ${testClockId} AND next_due_at <= ${now} AND announced_version IS DISTINCT FROM version
    ORDER BY next_due_at, id ${exceptLocked}`;
  return rows.map(({ id }) => id);
}

/** Marks the present versions of locked subscriptions as published. @returns their rows, in due order */
export async function markAnnounced(tx: Transaction, ids: readonly string[]): Promise<SubscriptionRow[]> {
  if (ids.length === 0) return [];
  return sql(tx).query<SubscriptionRow[]>`
    WITH marked AS (
      UPDATE subscriptions SET announced_version = version WHERE id = ANY(${ids}) RETURNING ${subscriptionColumns}
    )
    SELECT ${subscriptionColumns} FROM marked ORDER BY next_due_at, id`;
}

/** When the next unpublished subscription of a shard is due; null: none is. */
export async function nextDueAt(tx: Transaction, place: ShardPlace): Promise<Date | null> {
  const [next] = await sql(tx).query<{ at: Date | null }[]>`
    SELECT next_due_at AS at FROM subscriptions
    WHERE next_due_at IS NOT NULL AND ${unpublished} AND ${inShard(place)}
    ORDER BY next_due_at, id LIMIT 1`;
  return next?.at ?? null;
}
