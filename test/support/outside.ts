/** What the operator allows other services in a test, and records as they would be read. */
import type { ExternalRules } from '../../billing/external-records';
import type { ReadEvent } from '../../contracts/topics/envelope';
import { writeEnvelope } from '../../contracts/topics/envelope';
import type { EventData, EventTopic } from '../../contracts/topics/events';
import type { Database } from '../../prisma/client';
import { someTrace } from './trace';

/** The source that is allowed where a test allows one. */
export const outsider = '/meter';

/** No source is allowed: as in a deployment without settings. */
export const nothingOutside: ExternalRules = { sources: new Set(), paymentMax: 1_000_000, chargesPerDay: 10 };

export const outside = (more: Partial<ExternalRules> = {}): ExternalRules => ({
  ...nothingOutside,
  sources: new Set([outsider]),
  ...more,
});

/** A record of the outsider, unless it states another source. */
export function recordOf<T extends EventTopic>(
  data: EventData<T>,
  more: Partial<ReadEvent<T>> = {},
): ReadEvent<T> {
  return {
    id: 'any',
    source: outsider,
    subject: undefined,
    time: '2027-03-01T09:00:00.000Z',
    trace: someTrace,
    data,
    ...more,
  };
}

/** A request of ours for a notification: in the outbox as a service writes it, and as it would be read. */
export async function ownRequest(
  db: Database,
  { id, data, time }: Pick<ReadEvent<'notifications.requested'>, 'id' | 'data' | 'time'>,
): Promise<ReadEvent<'notifications.requested'>> {
  const [topic, subject, key] = ['notifications.requested', 'any', data.customer_id] as const;
  const payload = writeEnvelope(
    { topic, id, source: '/retry-service', subject, key, trace: someTrace, data },
    new Date(time),
  );
  const row = { topic, key, subject, payload, shard: 0 };
  await db.outboxEvent.upsert({ where: { event_id: id }, create: { ...row, event_id: id }, update: row });
  return { id, source: '/retry-service', subject, time, trace: someTrace, data };
}
