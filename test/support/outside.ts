/** What the operator allows other services in a test, and records as they would be read. */
import type { ExternalRules } from '../../billing/external-records';
import type { ReadEvent } from '../../contracts/topics/envelope';
import type { EventData, EventTopic } from '../../contracts/topics/events';

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
  return { id: 'any', source: outsider, subject: undefined, time: '2027-03-01T09:00:00.000Z', data, ...more };
}
