/** What must have a process: ids of living subscriptions and of test clocks that are being advanced, page by page. */
import type { Database } from '../../prisma/client';
import { Prisma } from '../../prisma/generated/client';
import { sql } from '../../prisma/sql';

/** The condition of the index `subscriptions_living`. */
const isLiving = Prisma.sql`status NOT IN ('cancelled', 'expired')`;

/** Living subscriptions of one statement at most. */
const countedAtOnce = 5_000;

/** Whether more subscriptions live than that. @param onLook called after each range of ids */
export async function areMoreLiving(db: Database, than: number, onLook: () => void): Promise<boolean> {
  let living = 0;
  for (let after: string | null = null; living <= than;) {
    const [range]: [{ count: number; last: string | null }] = await sql(db).query`
      SELECT count(*)::int AS count, max(id) AS last FROM (
        SELECT id FROM subscriptions WHERE ${isLiving} AND id > ${after ?? ''}
        ORDER BY id LIMIT ${countedAtOnce}) AS range`;
    onLook();
    living += range.count;
    if (range.count < countedAtOnce) break;
    after = range.last;
  }
  return living > than;
}

/** Ids of living subscriptions, in order. @param after the last id seen; null: from the beginning */
export async function livingSubscriptionIds(
  db: Database,
  after: string | null,
  limit: number,
): Promise<string[]> {
  const rows = await sql(db).query<{ id: string }[]>`
    SELECT id FROM subscriptions WHERE ${isLiving} AND id > ${after ?? ''} ORDER BY id LIMIT ${limit}`;
  return rows.map(({ id }) => id);
}

/**
 * Ids of the subscriptions whose processes have something to do, in order: they are not paid, or have not begun.
 *
 * A process of the others is needed by their next command only, which starts it.
 * @param after the last id seen; null: from the beginning
 */
export async function waitingSubscriptionIds(
  db: Database,
  after: string | null,
  limit: number,
): Promise<string[]> {
  // The condition of the index `subscriptions_waiting`.
  const rows = await sql(db).query<{ id: string }[]>`
    SELECT id FROM subscriptions
    WHERE (status IN ('incomplete', 'past_due', 'scheduled') OR open_payment_id IS NOT NULL) AND id <> ''
      AND id > ${after ?? ''}
    ORDER BY id LIMIT ${limit}`;
  return rows.map(({ id }) => id);
}

/** Ids of test clocks that are being advanced, in order. @param after the last id seen; null: from the beginning */
export async function advancingClockIds(
  db: Database,
  after: string | null,
  limit: number,
): Promise<string[]> {
  const rows = await db.testClock.findMany({
    where: { status: 'advancing', id: { gt: after ?? '' } },
    orderBy: { id: 'asc' },
    take: limit,
    select: { id: true },
  });
  return rows.map(({ id }) => id);
}
