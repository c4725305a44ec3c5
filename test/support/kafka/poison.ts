/**
 * Records that can never be handled: the kinds of poison, for each topic.
 *
 * Invariant: each is refused for what it is named after alone, with its topic's key and with everything else in order.
 */
import type { EventTopic } from '../../../contracts/topics/events';
import type { sampleEvent } from './event-samples';

export interface Poison {
  value: Buffer | null;
  /** Why it is given up. */
  code: 'not_a_cloud_event' | 'unknown_type' | 'invalid_data' | 'invalid_notification';
}

type Event = ReturnType<typeof sampleEvent>;
type Place = readonly (string | number)[];

/** What is left of the bytes that a topic takes in a record, and a dead letter needs more of. */
const largeBytes = 1_048_000;

const bytesOf = (event: object) => Buffer.from(JSON.stringify(event));
const unreadable = (value: Buffer | null): Poison => ({ value, code: 'not_a_cloud_event' });

/** By name; some kinds are a record for each field that they may be in. */
export const poisonKinds: Readonly<Record<string, (topic: EventTopic, event: Event) => Poison[]>> = {
  'no value': () => [unreadable(null), unreadable(Buffer.alloc(0))],
  'not UTF-8': (_, event) => [
    unreadable(Buffer.concat([bytesOf(event).subarray(0, -1), Buffer.from([0xff, 0x7d])])),
  ],
  'not JSON': (_, event) => [unreadable(bytesOf(event).subarray(0, -1))],
  'a thousand levels deep': (_, event) => {
    const deep = `{"deep":${'['.repeat(1_000)}${']'.repeat(1_000)},`;
    return [unreadable(Buffer.from(JSON.stringify(event).replace('{', deep)))];
  },
  'not a CloudEvent': (_, { data }) => [unreadable(bytesOf(data)), unreadable(Buffer.from('[]'))],
  'unknown type': (topic, event) => [
    { value: bytesOf({ ...event, type: `${topic}.v9` }), code: 'unknown_type' },
  ],
  'not of its schema': (_, event) =>
    Object.keys(event.data)
      .filter((name) => name !== 'refunds')
      .map((name) => ({
        value: bytesOf({
          ...event,
          data: Object.fromEntries(Object.entries(event.data).filter(([at]) => at !== name)),
        }),
        code: 'invalid_data',
      })),
  'NUL or half a surrogate pair': (_, event) => [
    unreadable(bytesOf({ ...event, id: `${event.id}\0` })),
    ...edited(event, isText, (text) => `${String(text)}\0`),
    ...edited(event, isText, (text) => `${String(text)}\ud800`).slice(0, 3),
  ],
  'an instant out of range': (_, event) => [
    unreadable(bytesOf({ ...event, time: '0000-01-01T00:00:00Z' })),
    ...instants.flatMap((instant) => edited(event, isInstant, () => instant)),
  ],
  'a number out of range': (topic, event) =>
    [Number.MAX_SAFE_INTEGER, 2.5]
      .flatMap((number) => edited(event, isNumber, () => number))
      // Its numbers are its template's.
      .map((one) =>
        topic === 'notifications.requested' ? { ...one, code: 'invalid_notification' as const } : one,
      ),
  'as large as its topic takes': (_, event) => [
    { value: bytesOf({ ...event, data: { ...event.data, ...tooLong(event) } }), code: 'invalid_data' },
  ],
};

const instants = ['0000-01-01T00:00:00Z', '1970-01-01T00:00:00+00:01', '9999-12-31T23:59:59-23:59'];

/** Some field that is text, of another kind, and so long that the record is just what its topic takes. */
function tooLong(event: Event): object {
  const [name] = Object.keys(event.data);
  return { [name ?? '']: 'x'.repeat(largeBytes - bytesOf(event).length) };
}

const isInstant = (value: unknown) => typeof value === 'string' && /^\d{4}-\d\d-\d\dT/.test(value);
const isText = (value: unknown) => typeof value === 'string' && !isInstant(value);
const isNumber = (value: unknown) => typeof value === 'number';

/** The event once for each place of its data that holds such a value, with another one there. */
function edited(
  event: Event,
  isMeant: (value: unknown) => boolean,
  edit: (value: unknown) => unknown,
): Poison[] {
  return placesOf(event.data, isMeant).map((place) => ({
    value: bytesOf({ ...event, data: withValue(event.data, place, edit) }),
    code: 'invalid_data',
  }));
}

function placesOf(value: unknown, isMeant: (value: unknown) => boolean, place: Place = []): Place[] {
  if (isMeant(value)) return [place];
  if (value === null || typeof value !== 'object') return [];
  return Object.entries(value).flatMap(([name, inner]) => placesOf(inner, isMeant, [...place, name]));
}

function withValue(value: unknown, [name, ...rest]: Place, edit: (value: unknown) => unknown): unknown {
  if (name === undefined) return edit(value);
  const copy = (Array.isArray(value) ? [...(value as unknown[])] : { ...(value as object) }) as Record<
    string,
    unknown
  >;
  copy[name] = withValue(copy[name], rest, edit);
  return copy;
}
