/** What the bridge has not finished, as its metrics show it. */
import type { Database } from '../prisma/client';
import { sql } from '../prisma/sql';

export interface Backlog {
  /** Dead letters without a decision of an operator. */
  open_dead_letters: number;
  /** Age of the oldest event that is committed and not yet published; 0 when there is none. */
  oldest_unpublished_seconds: number;
}

export async function readBacklog(db: Database): Promise<Backlog> {
  const [backlog] = await sql(db).query<[Backlog]>`
    SELECT (SELECT count(*)::int FROM dead_letters WHERE status = 'open') AS open_dead_letters,
      (SELECT coalesce(extract(epoch FROM clock_timestamp() - min(created_at)), 0)::float8
        FROM outbox_events WHERE published_at IS NULL) AS oldest_unpublished_seconds`;
  return backlog;
}
