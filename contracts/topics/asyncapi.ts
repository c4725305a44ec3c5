/** The AsyncAPI 3 document, made from the table of topics and the schemas of the records. */
import {
  deadLetterTopic,
  consumerGroups,
  topicNames,
  topics,
  type Topic,
  type TopicDescription,
} from './topics';
import { cloudEventContentType, eventType } from './envelope';
import { recordSchema, type JsonSchema } from './json-schemas';

/** @param version of the product */
export function asyncApiDocument(version: string): JsonSchema {
  const each = <T>(make: (topic: Topic, description: TopicDescription) => T): Record<string, T> =>
    Object.fromEntries(topicNames.map((topic) => [channelName(topic), make(topic, topics[topic])]));
  return {
    asyncapi: '3.0.0',
    info: {
      title: 'Perennial',
      version,
      license: { name: 'Apache-2.0' },
      description:
        'Topics of Perennial on Kafka. CloudEvents 1.0 in structured mode; at least once, in order for each key and topic; consumers judge by what a record is about, never by its id alone.',
    },
    defaultContentType: cloudEventContentType,
    channels: { ...each(channel), ...deadLetterChannels() },
    operations: {
      ...operations('send', ({ producers }) => producers),
      ...operations('receive', ({ consumers, extensionConsumers = [] }) => [
        ...consumers,
        ...extensionConsumers,
      ]),
    },
    components: {
      messages: each((topic) => message(topic)),
      schemas: each((topic) => embedded(recordSchema(topic))),
    },
  };
}

/** AsyncAPI names have no dots. */
const channelName = (topic: string): string => topic.replaceAll('.', '_');

function channel(topic: Topic, description: TopicDescription): JsonSchema {
  const { trigger, key, extension, consumers, leastRetentionMs: retentionMs } = description;
  return {
    address: topic,
    title: topic,
    description: `${trigger}. Key: ${key}. Consumer groups: ${consumers.join(', ')}.${extension ? ' An extension of the original order.' : ''}`,
    messages: { [channelName(topic)]: { $ref: `#/components/messages/${channelName(topic)}` } },
    bindings: {
      kafka: { topic, topicConfiguration: { 'cleanup.policy': ['delete'], 'retention.ms': retentionMs } },
    },
  };
}

function message(topic: Topic): JsonSchema {
  return {
    name: eventType(topic),
    title: eventType(topic),
    contentType: cloudEventContentType,
    payload: { $ref: `#/components/schemas/${channelName(topic)}` },
    bindings: { kafka: { key: { type: 'string', description: topics[topic].key } } },
  };
}

function deadLetterChannels(): Record<string, JsonSchema> {
  return Object.fromEntries(
    consumerGroups.map((group) => [
      channelName(deadLetterTopic(group)),
      {
        address: deadLetterTopic(group),
        title: deadLetterTopic(group),
        description: `Records that ${group} can never handle: original bytes, key and headers, with headers dlq-group, dlq-topic, dlq-partition, dlq-offset, dlq-error-code, dlq-error, dlq-seen-at. An extension of the original order.`,
        messages: {},
      },
    ]),
  );
}

function operations(
  action: 'send' | 'receive',
  whoOf: (description: TopicDescription) => readonly string[],
): Record<string, JsonSchema> {
  const entries = topicNames.flatMap((topic) =>
    whoOf(topics[topic]).map((who) => [
      `${action}_${channelName(topic)}_${who.toLowerCase().replaceAll(/[^a-z]+/g, '_')}`,
      {
        action,
        channel: { $ref: `#/channels/${channelName(topic)}` },
        title: `${who} ${action === 'send' ? 'writes' : 'reads'} ${topic}`,
        messages: [{ $ref: `#/channels/${channelName(topic)}/messages/${channelName(topic)}` }],
        ...(action === 'receive'
          ? { bindings: { kafka: { groupId: { type: 'string', enum: [who] } } } }
          : {}),
      },
    ]),
  );
  return Object.fromEntries(entries) as Record<string, JsonSchema>;
}

/** A schema inside another document: its references point to itself, wherever it stands. */
function embedded(schema: JsonSchema): JsonSchema {
  const { $schema: _dialect, $id: _id, $defs, ...rest } = schema;
  const definitions = ($defs ?? {}) as Record<string, JsonSchema>;
  const inline = (node: unknown, depth: number): unknown => {
    if (Array.isArray(node)) return node.map((item) => inline(item, depth));
    if (node === null || typeof node !== 'object') return node;
    const { $ref } = node as { $ref?: string };
    const name = $ref?.match(/^#\/\$defs\/(.+)$/)?.[1];
    if (name !== undefined && depth < 10) return inline({ ...definitions[name], id: undefined }, depth + 1);
    return Object.fromEntries(Object.entries(node).map(([key, value]) => [key, inline(value, depth)]));
  };
  return inline(rest, 0) as JsonSchema;
}
