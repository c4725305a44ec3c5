/** Pages of a timeline. Invariant: reading changes nothing. */
import type { TimelineEntry } from '../../contracts/http/timeline';
import { notFound } from '../../contracts/problem-error';
import type { TimelinePlace } from '../../domain/timeline/timeline';
import type { Database } from '../../prisma/client';
import { pageBy, type Page, type PageRequest } from '../../prisma/pages';
import type { TimelineSubject } from './index-query';
import { readTimeline } from './timeline';

/** Reads a page of a timeline, oldest entries first. @throws ProblemError `not_found` */
export async function pageOfTimeline(
  db: Database,
  subject: TimelineSubject,
  { after, limit }: PageRequest<TimelinePlace>,
): Promise<Page<TimelineEntry, TimelinePlace>> {
  const where = { id: subject.id };
  const counts = {
    payment: () => db.payment.count({ where }),
    subscription: () => db.subscription.count({ where }),
    customer: () => db.customer.count({ where }),
  };
  if ((await counts[subject.type]()) === 0) throw notFound(subject.type);
  const { places, entryAt } = await readTimeline(db, subject, after, limit + 1);
  const { items, next } = pageBy(places, limit, entryAt, (place) => place);
  return { items: items.flatMap((entry) => entry ?? []), next };
}
