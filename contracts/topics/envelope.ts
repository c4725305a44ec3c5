/**
 * CloudEvents 1.0 over Kafka, structured mode.
 *
 * Owns: how an event is written and read. Invariants: `id` is derived from what the event is about and stable, so a
 * repeat is recognisable; `type` carries the major version of the schema; the record's key is the one that the topic's
 * rule derives from the data.
 */
import { isUtf8 } from 'node:buffer';
import { CloudEvent, Kafka } from 'cloudevents';
import { z } from 'zod';
import { eventKey } from './event-keys';
import { eventData, type EventData, type EventTopic } from './events';
import { derivedTrace, readTrace, type TraceContext } from '../../domain/trace';
import { foreignId, instant } from '../fields';
import { isStorable, unstorablePath } from '../storable';
import { topics, type Topic } from './topics';

export const sources = [
  '/api-gateway',
  '/admin-ui',
  '/webhook-handler',
  '/subscription-service',
  '/payment-service',
  '/retry-service',
] as const;
export type Source = (typeof sources)[number];

export const cloudEventContentType = 'application/cloudevents+json';

/** An event about to be written, before it has an envelope. */
export interface NewEvent<T extends EventTopic = EventTopic> {
  topic: T;
  id: string;
  source: Source;
  subject: string;
  key: string;
  data: EventData<T>;
  /** Of what it follows from: a call, a webhook, another producer's record, a renewal. */
  trace: TraceContext;
}

/** The type of a topic's events: the topic's name with the schema's major version. */
export function eventType(topic: Topic): string {
  return `${topic}.v${topics[topic].schemaVersion}`;
}

/** CloudEvents wants an absolute URI as `dataschema`; its path is the schema's path. */
export function schemaUri(topic: Topic): string {
  return `perennial:/schemas/${eventType(topic)}.json`;
}

/**
 * The record's value: the whole event as JSON.
 * @param time when it was recorded, real time
 * @throws ZodError when the data is not what the topic's schema says
 * @throws Error when the key is not the data's
 */
export function writeEnvelope<T extends EventTopic>(event: NewEvent<T>, time: Date): string {
  const data = eventData[event.topic].parse(event.data) as EventData<T>;
  const key = eventKey(event.topic, data) ?? event.key;
  if (key !== event.key) throw new Error(`the key of ${event.id} is ${event.key}, its data says ${key}`);
  return new CloudEvent({
    id: event.id,
    source: event.source,
    type: eventType(event.topic),
    subject: event.subject,
    time: time.toISOString(),
    datacontenttype: 'application/json',
    dataschema: schemaUri(event.topic),
    ...event.trace,
    data,
  }).toString();
}

/** A record that is not what the contract says; it can never be handled. `code` is stable. */
export class UnreadableEvent extends Error {
  override readonly name = 'UnreadableEvent';
  constructor(
    readonly code:
      'not_a_cloud_event' | 'unknown_type' | 'invalid_data' | 'key_mismatch' | 'batch_not_decodable',
    message: string,
  ) {
    super(message);
  }
}

export interface ReadEvent<T extends EventTopic> {
  id: string;
  /** Who has written it, as the record states; not verified. */
  source?: string | undefined;
  subject: string | undefined;
  time: string;
  /** The record's own; without one a trace begins here, the same for a repeat of the record. */
  trace: TraceContext;
  data: EventData<T>;
}

/** It is unique in tables: an index holds no more. */
const maxIdLength = 500;

const unstorableText = 'must not hold NUL or half a surrogate pair';

/** Left out when it cannot be used: whatever another producer has written there, it is no reason to refuse its event. */
const ifUsable = foreignId.refine(isStorable).optional().catch(undefined);

const attributes = z.object({
  id: z.string().min(1).max(maxIdLength).refine(isStorable, unstorableText),
  // Only what comes from outside is judged by it.
  source: ifUsable,
  type: z.string(),
  time: instant,
  subject: ifUsable,
  // Whatever another producer has written there, it is no reason to refuse its event.
  traceparent: z.unknown().optional(),
  tracestate: z.unknown().optional(),
  data: z.unknown(),
});

/** As they came. A header that was given several times counts once. */
export interface IncomingRecord {
  headers: Record<string, string>;
  key: Buffer | null;
  value: Buffer | null;
}

/**
 * Reads a record of `topic`; structured and binary mode are both accepted, unknown fields too.
 * @throws UnreadableEvent
 */
export function readEnvelope<T extends EventTopic>(topic: T, record: IncomingRecord): ReadEvent<T> {
  const event = parse(record.headers, textOf(record.value));
  const known = attributes.safeParse(event);
  if (!known.success) throw new UnreadableEvent('not_a_cloud_event', z.prettifyError(known.error));
  if (known.data.type !== eventType(topic)) {
    throw new UnreadableEvent(
      'unknown_type',
      `type is ${known.data.type}, this topic carries ${eventType(topic)}`,
    );
  }
  const parsed = eventData[topic].safeParse(known.data.data);
  if (!parsed.success) throw new UnreadableEvent('invalid_data', z.prettifyError(parsed.error));
  const data = parsed.data as EventData<T>;
  const unstorable = unstorablePath(data);
  if (unstorable !== null) {
    throw new UnreadableEvent('invalid_data', `${unstorableText}\n  → at ${unstorable.join('.')}`);
  }
  checkKey(topic, data, record.key);
  return {
    id: known.data.id,
    source: known.data.source,
    subject: known.data.subject,
    time: known.data.time,
    trace:
      readTrace(known.data.traceparent, known.data.tracestate) ??
      derivedTrace(['record', topic, known.data.id]),
    data,
  };
}

/** A key that is not the data's came past the order of the key that is. */
function checkKey<T extends EventTopic>(topic: T, data: EventData<T>, key: Buffer | null): void {
  const wanted = eventKey(topic, data);
  if (key === null) throw new UnreadableEvent('key_mismatch', 'the record has no key');
  if (wanted !== null && !key.equals(Buffer.from(wanted)))
    throw new UnreadableEvent('key_mismatch', `the key of this data is ${wanted}`);
}

function textOf(value: Buffer | null): string {
  if (value === null || value.length === 0)
    throw new UnreadableEvent('not_a_cloud_event', 'the record has no value');
  if (!isUtf8(value)) throw new UnreadableEvent('not_a_cloud_event', 'the value is not UTF-8');
  if (isNestedTooDeeply(value))
    throw new UnreadableEvent('not_a_cloud_event', `the value is nested deeper than ${maxDepth} levels`);
  return value.toString('utf8');
}

/** Events have a handful of levels; whatever walks through thousands would run out of stack. */
const maxDepth = 32;
const [quote, backslash, openBracket, openBrace, closeBracket, closeBrace] = [
  0x22, 0x5c, 0x5b, 0x7b, 0x5d, 0x7d,
];

function isNestedTooDeeply(json: Buffer): boolean {
  let depth = 0;
  let isInText = false;
  for (let at = 0; at < json.length; at += 1) {
    const byte = json[at];
    if (isInText) {
      if (byte === backslash) at += 1;
      else if (byte === quote) isInText = false;
    } else if (byte === quote) isInText = true;
    else if (byte === openBracket || byte === openBrace) {
      depth += 1;
      if (depth > maxDepth) return true;
    } else if (byte === closeBracket || byte === closeBrace) depth -= 1;
  }
  return false;
}

function parse(recordHeaders: Record<string, string>, value: string): unknown {
  const headers = Object.fromEntries(
    Object.entries(recordHeaders).map(([name, header]) => [name.toLowerCase(), header]),
  );
  try {
    if (!headers['content-type']?.startsWith(cloudEventContentType) && headers['ce_specversion']) {
      const event = Kafka.toEvent({ headers, value: JSON.parse(value) as unknown } as never);
      return Array.isArray(event) ? undefined : event;
    }
    return JSON.parse(value) as unknown;
  } catch (error) {
    throw new UnreadableEvent('not_a_cloud_event', error instanceof Error ? error.message : 'not readable');
  }
}
