/** What a round of the reconciliation would find. Reads only. */
import type { StuckWork } from '../../contracts/http/scheduler';
import { predicateNames } from '../../domain/stuck-work';
import type { Database } from '../../prisma/client';
import { findStuckWork, type StuckWorkQuery } from './stuck-work';

const countedAtMost = 500;
const shownAtMost = 20;

/** When a round counts work as stuck; the reconciliation's own settings. */
export type StuckAfter = Pick<StuckWorkQuery, 'toleranceMs' | 'firstLookupAfterMs'>;

/** Counts the stuck work by predicate, each with some of its subjects. */
export async function dryRun(db: Database, stuckAfter: StuckAfter): Promise<StuckWork> {
  const items = await findStuckWork(db, { ...stuckAfter, testClockId: null, limit: countedAtMost });
  const data = predicateNames.flatMap((predicate): StuckWork['data'] => {
    const found = items.filter((item) => item.predicate === predicate);
    if (found.length === 0) return [];
    const subjects = found.slice(0, shownAtMost).map(({ subject }) => subject);
    return [{ predicate, count: found.length, subjects }];
  });
  return { data };
}
