/** Moves the calendar of subscriptions back, so that they are due at known instants. */
import type { Client } from 'pg';

/**
 * Active subscriptions: all of them, or the first ones by id.
 *
 * @param apartMs milliseconds between the instants of one and the next; 0: all at one instant
 * @returns the first instant: `afterSeconds` from now
 */
export async function makeDue(
  db: Pick<Client, 'query'>,
  afterSeconds: number,
  apartMs = 0,
  most: number | null = null,
): Promise<{ due: Date; subscriptions: number }> {
  await db.query('BEGIN');
  const { rows } = await db.query<{ due: Date }>(
    `SELECT date_trunc('milliseconds', now() + $1 * interval '1 second') AS due`,
    [afterSeconds],
  );
  const due = rows[0]?.due ?? new Date();
  await db.query(
    `CREATE TEMPORARY TABLE moved ON COMMIT DROP AS
     SELECT id, at, period_end - at AS back FROM (
       SELECT id, period_end,
         $1::timestamptz + (row_number() OVER (ORDER BY id) - 1) * $2 * interval '1 millisecond' AS at
       FROM subscriptions WHERE status = 'active' ORDER BY id LIMIT $3) AS one`,
    [due, apartMs, most],
  );
  await db.query(
    `UPDATE subscription_periods p SET start = p.start - back, "end" = p."end" - back
     FROM moved WHERE moved.id = p.subscription_id`,
  );
  const { rowCount } = await db.query(
    `UPDATE subscriptions s SET start_at = start_at - back, billing_anchor = billing_anchor - back,
       period_start = period_start - back, period_end = at, next_due_at = at
     FROM moved WHERE moved.id = s.id`,
  );
  await db.query('COMMIT');
  return { due, subscriptions: rowCount ?? 0 };
}
