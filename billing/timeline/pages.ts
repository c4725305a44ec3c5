/** Pages of a timeline. Invariant: reading changes nothing. */
import type { OmittedEntries, TimelineEntry } from '../../contracts/http/timeline';
import { notFound } from '../../contracts/problem-error';
import type { Scope } from '../../contracts/scopes';
import type { TimelinePlace } from '../../domain/timeline/timeline';
import type { Database } from '../../prisma/client';
import { pageBy, type Page, type PageRequest } from '../../prisma/pages';
import type { TimelineSubject } from './index-query';
import { readableEntries } from './readable';
import { readTimeline } from './timeline';

/**
 * Reads a page of what a caller may read of a timeline, oldest entries first.
 * @throws ProblemError `not_found`
 */
export async function pageOfTimeline(
  db: Database,
  subject: TimelineSubject,
  scopes: readonly Scope[],
  { after, limit }: PageRequest<TimelinePlace>,
): Promise<Page<TimelineEntry, TimelinePlace> & { omitted: OmittedEntries[] }> {
  const where = { id: subject.id };
  const counts = {
    payment: () => db.payment.count({ where }),
    subscription: () => db.subscription.count({ where }),
    customer: () => db.customer.count({ where }),
  };
  if ((await counts[subject.type]()) === 0) throw notFound(subject.type);
  const { readable, omitted } = readableEntries(subject.type, scopes);
  const { places, entryAt } = await readTimeline(db, subject, readable, after, limit + 1);
  const { items, next } = pageBy(places, limit, entryAt, (place) => place);
  return { items: items.flatMap((entry) => entry ?? []), next, omitted };
}
