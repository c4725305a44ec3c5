/** Moves the calendar of subscriptions back, so that all of them are due at one instant. */
import type { Client } from 'pg';

/** Every active subscription. @returns the instant at which they are due: `afterSeconds` from now */
export async function makeDue(db: Pick<Client, 'query'>, afterSeconds: number): Promise<Date> {
  await db.query('BEGIN');
  const { rows } = await db.query<{ due: Date }>(
    `SELECT date_trunc('milliseconds', now() + $1 * interval '1 second') AS due`,
    [afterSeconds],
  );
  const due = rows[0]?.due ?? new Date();
  await db.query(
    `UPDATE subscription_periods p SET start = p.start - (s.period_end - $1), "end" = p."end" - (s.period_end - $1)
     FROM subscriptions s WHERE s.id = p.subscription_id AND s.status = 'active'`,
    [due],
  );
  await db.query(
    `UPDATE subscriptions SET
       start_at = start_at - (period_end - $1), billing_anchor = billing_anchor - (period_end - $1),
       period_start = period_start - (period_end - $1), period_end = $1, next_due_at = $1
     WHERE status = 'active'`,
    [due],
  );
  await db.query('COMMIT');
  return due;
}
