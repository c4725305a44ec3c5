/**
 * CloudEvents 1.0 over Kafka, structured mode.
 *
 * Owns: how an event is written and read. Invariants: `id` is derived from what the event is about and stable, so a
 * repeat is recognisable; `type` carries the major version of the schema.
 */
import { CloudEvent, Kafka } from 'cloudevents';
import { z } from 'zod';
import { eventData, type EventData, type EventTopic } from './events';
import { instant } from './fields';
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
  /** W3C trace context of what was asked for; left out where nobody asked. */
  traceparent?: string;
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
 * @param time when it happened, real time
 * @throws ZodError when the data is not what the topic's schema says
 */
export function writeEnvelope<T extends EventTopic>(event: NewEvent<T>, time: Date): string {
  return new CloudEvent({
    id: event.id,
    source: event.source,
    type: eventType(event.topic),
    subject: event.subject,
    time: time.toISOString(),
    datacontenttype: 'application/json',
    dataschema: schemaUri(event.topic),
    ...(event.traceparent === undefined ? {} : { traceparent: event.traceparent }),
    data: eventData[event.topic].parse(event.data),
  }).toString();
}

/** A record that is not what the contract says; it can never be handled. `code` is stable. */
export class UnreadableEvent extends Error {
  override readonly name = 'UnreadableEvent';
  constructor(
    readonly code: 'not_a_cloud_event' | 'unknown_type' | 'invalid_data',
    message: string,
  ) {
    super(message);
  }
}

export interface ReadEvent<T extends EventTopic> {
  id: string;
  subject: string | undefined;
  time: string;
  traceparent?: string | undefined;
  data: EventData<T>;
}

const attributes = z.object({
  id: z.string().min(1),
  type: z.string(),
  time: instant,
  // Whatever another producer has written there, it is no reason to refuse its event.
  traceparent: z.string().optional().catch(undefined),
  data: z.unknown(),
});

/**
 * Reads a record of `topic`; structured and binary mode are both accepted, unknown fields too.
 * @throws UnreadableEvent
 */
export function readEnvelope<T extends EventTopic>(
  topic: T,
  record: { headers: Record<string, string>; value: string },
): ReadEvent<T> {
  const event = parse(record);
  const known = attributes.safeParse(event);
  if (!known.success) throw new UnreadableEvent('not_a_cloud_event', z.prettifyError(known.error));
  if (known.data.type !== eventType(topic)) {
    throw new UnreadableEvent(
      'unknown_type',
      `type is ${known.data.type}, this topic carries ${eventType(topic)}`,
    );
  }
  const data = eventData[topic].safeParse(known.data.data);
  if (!data.success) throw new UnreadableEvent('invalid_data', z.prettifyError(data.error));
  return {
    id: known.data.id,
    subject: (event as { subject?: string }).subject,
    time: known.data.time,
    traceparent: known.data.traceparent,
    data: data.data as EventData<T>,
  };
}

function parse(record: { headers: Record<string, string>; value: string }): unknown {
  const headers = Object.fromEntries(
    Object.entries(record.headers).map(([name, value]) => [name.toLowerCase(), value]),
  );
  try {
    if (!headers['content-type']?.startsWith(cloudEventContentType) && headers['ce_specversion']) {
      const event = Kafka.toEvent({ headers, value: JSON.parse(record.value) as unknown } as never);
      return Array.isArray(event) ? undefined : event;
    }
    return JSON.parse(record.value) as unknown;
  } catch (error) {
    throw new UnreadableEvent('not_a_cloud_event', error instanceof Error ? error.message : 'not readable');
  }
}
