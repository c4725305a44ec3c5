/**
 * Records that can never be handled, written to the product's topics from outside.
 *
 * Owns: the kinds of poison, and which groups must give each up. Invariant: a poison record says so in a header that
 * no consumer looks at, so that it is known again wherever it lies, however often it was written.
 */
import { randomUUID } from 'node:crypto';
import { CloudEvent } from 'cloudevents';
import { cloudEventContentType, eventType, schemaUri } from '../../contracts/topics/envelope';
import { topics, type ConsumerGroup, type Topic } from '../../contracts/topics/topics';
import { eventually } from '../support/eventually';
import type { Chaos } from './context';
import type { Random } from './random';

export const poisonHeader = 'chaos-poison';

interface Poison {
  value(topic: Topic, subject: string): Buffer | null;
}

const event = (topic: Topic, subject: string, type: string, data: object): Buffer =>
  Buffer.from(
    new CloudEvent({
      id: `${subject}/poison`,
      source: '/subscription-service',
      type,
      subject,
      time: new Date().toISOString(),
      datacontenttype: 'application/json',
      dataschema: schemaUri(topic),
      data,
    }).toString(),
  );

export const poisons: Readonly<Record<string, Poison>> = {
  'not JSON': { value: () => Buffer.from('{"id": ') },
  'not UTF-8': { value: () => Buffer.from([0xff, 0xfe, 0x00, 0x80]) },
  'no value': { value: () => null },
  'deeply nested': { value: () => Buffer.from('['.repeat(100_000)) },
  'unknown major version': { value: (topic, subject) => event(topic, subject, `${topic}.v9`, {}) },
  'missing fields': {
    value: (topic, subject) => event(topic, subject, eventType(topic), { subscription: { id: subject } }),
  },
};

/** Topics that the product's consumers read today. */
const poisonable: readonly Topic[] = [
  'subscriptions.created',
  'subscriptions.updated',
  'subscriptions.cancelled',
];

/** The groups that meet a record of this topic. */
export function groupsOf(topic: string): ConsumerGroup[] {
  const { consumers, extensionConsumers = [] } = topics[topic as Topic] as {
    consumers: readonly ConsumerGroup[];
    extensionConsumers?: readonly ConsumerGroup[];
  };
  return [...consumers, ...extensionConsumers];
}

export function makePoisoner({ kafka }: Chaos, random: Random): () => Promise<void> {
  return async () => {
    const topic = random.pick(poisonable);
    const name = random.pick(Object.keys(poisons));
    const key = `sub_poison_${randomUUID()}`;
    const value = poisons[name]?.value(topic, key) ?? null;
    const headers = { 'content-type': cloudEventContentType, [poisonHeader]: name };
    await eventually(
      'a poison record to be written',
      async () => {
        const producer = kafka.producer({ allowAutoTopicCreation: false });
        try {
          await producer.connect();
          await producer.send({ topic, acks: -1, messages: [{ key, value, headers }] });
        } finally {
          await producer.disconnect();
        }
        return true;
      },
      { timeoutMs: 240_000, everyMs: 500 },
    );
  };
}
