/** Statements of the repairs. */
import type { Database, Transaction } from '../../prisma/client';
import { sql } from '../../prisma/sql';

/** Counts how often a version of a subscription was published as due. */
export async function countDueEvents(
  tx: Transaction,
  subscriptionId: string,
  version: number,
): Promise<number> {
  const [row] = await sql(tx).query<[{ count: number }]>`
    SELECT count(*)::int AS count FROM outbox_events
    WHERE subject = ${subscriptionId} AND topic = 'subscriptions.renew_required'
      AND event_id LIKE ${`%/v${version}%`}`;
  return row.count;
}

/** Has the outcome of a payment published from now on. */
export async function markAnnounced(db: Database, paymentId: string): Promise<void> {
  await sql(db).execute`UPDATE payments SET announced = true WHERE id = ${paymentId}`;
}
