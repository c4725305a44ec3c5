/** What must have a process: ids of living subscriptions and of test clocks that are being advanced, page by page. */
import { finalStatuses } from '../../domain/subscription/subscription';
import type { Database } from '../../prisma/client';

/** Living subscriptions in all. */
export function countLivingSubscriptions(db: Database): Promise<number> {
  return db.subscription.count({ where: { status: { notIn: [...finalStatuses] } } });
}

/** Ids of living subscriptions, in order. @param after the last id seen; null: from the beginning */
export async function livingSubscriptionIds(
  db: Database,
  after: string | null,
  limit: number,
): Promise<string[]> {
  const rows = await db.subscription.findMany({
    where: { status: { notIn: [...finalStatuses] }, ...idAfter(after) },
    orderBy: { id: 'asc' },
    take: limit,
    select: { id: true },
  });
  return rows.map(({ id }) => id);
}

/** Ids of test clocks that are being advanced, in order. @param after the last id seen; null: from the beginning */
export async function advancingClockIds(
  db: Database,
  after: string | null,
  limit: number,
): Promise<string[]> {
  const rows = await db.testClock.findMany({
    where: { status: 'advancing', ...idAfter(after) },
    orderBy: { id: 'asc' },
    take: limit,
    select: { id: true },
  });
  return rows.map(({ id }) => id);
}

function idAfter(after: string | null): { id?: { gt: string } } {
  return after === null ? {} : { id: { gt: after } };
}
