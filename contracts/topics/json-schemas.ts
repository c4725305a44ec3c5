/**
 * JSON Schemas (draft 2020-12) of the records, made from the zod schemas that write and read them.
 *
 * They lie beside this file in `schemas/` and are what other teams build against; the check command fails when one is
 * stale. `$id` is the `dataschema` of the events.
 */
import { z } from 'zod';
import { eventType, schemaUri, sources } from './envelope';
import { eventData, type EventTopic } from './events';
import { instant } from '../fields';
import { isRequest } from './topics';

export type JsonSchema = Record<string, unknown>;

/** File name (`subscriptions.created.v1.json`) to schema of the whole structured-mode event. */
export function jsonSchemas(): Record<string, JsonSchema> {
  return Object.fromEntries(
    (Object.keys(eventData) as EventTopic[]).map((topic) => [
      `${eventType(topic)}.json`,
      recordSchema(topic),
    ]),
  );
}

/** The value of a record of `topic`, envelope and data. */
export function recordSchema(topic: EventTopic): JsonSchema {
  const type = eventType(topic);
  const event = z.object({
    specversion: z.literal('1.0'),
    id: z.string().meta({ description: 'Derived from what the event is about; a repeat has the same.' }),
    source: isRequest(topic) ? z.string() : z.enum(sources),
    type: z.literal(type),
    subject: z.string().optional(),
    time: instant.meta({ description: 'When it was recorded, real time.' }),
    datacontenttype: z.literal('application/json').optional(),
    dataschema: z.string().optional(),
    traceparent: z.string().optional().meta({ description: 'W3C trace context of what it follows from.' }),
    tracestate: z.string().optional(),
    data: eventData[topic],
  });
  const { $schema, ...schema } = z.toJSONSchema(event, { io: 'input', target: 'draft-2020-12' });
  return { $schema, $id: schemaUri(topic), title: type, ...schema };
}
