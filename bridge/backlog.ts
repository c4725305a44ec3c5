/**
 * What the bridge has not finished, as its metrics show it.
 *
 * Invariants: a parked event is not waiting: it counts by itself and has no age. No count looks at what was
 * published: each follows an index of what is left.
 */
import { outboxShards } from '../billing/outbox';
import { inTransaction, type Database } from '../prisma/client';
import { Prisma } from '../prisma/generated/client';
import { sql } from '../prisma/sql';

export interface Backlog {
  /** Dead letters without a decision of an operator. */
  open_dead_letters: number;
  /** Events that are committed and neither published nor parked. */
  unpublished: number;
  /** Age of the oldest of them: the first in its shard; 0 when there is none. */
  oldest_unpublished_seconds: number;
  /** Events that Kafka refused for good. */
  parked: number;
}

/** Each subquery has the condition of a partial index: `outbox_events_unpublished`, `_parked`, `dead_letters_open`. */
export const backlogQuery = Prisma.sql`
  SELECT (SELECT count(*)::int FROM dead_letters WHERE status = 'open') AS open_dead_letters,
    (SELECT count(*)::int FROM outbox_events WHERE published_at IS NULL AND parked_at IS NULL) AS unpublished,
    (SELECT coalesce(extract(epoch FROM clock_timestamp() - min(first.created_at)), 0)::float8
      FROM generate_series(0, ${outboxShards - 1}::int) AS of(shard) CROSS JOIN LATERAL (
        SELECT created_at FROM outbox_events AS o
        WHERE published_at IS NULL AND parked_at IS NULL AND o.shard BETWEEN of.shard AND of.shard
        ORDER BY o.shard, o.id LIMIT 1
      ) AS first) AS oldest_unpublished_seconds,
    (SELECT count(*)::int FROM outbox_events WHERE parked_at IS NOT NULL AND published_at IS NULL) AS parked`;

/** Reads the backlog. */
export async function readBacklog(db: Database): Promise<Backlog> {
  return inTransaction(db, async (tx) => {
    // Whatever the statistics say: what was published is far more than what is left.
    await sql(tx).execute`SELECT set_config('enable_seqscan', 'off', true)`;
    const [backlog] = await sql(tx).query<[Backlog]>`${backlogQuery}`;
    return backlog;
  });
}
