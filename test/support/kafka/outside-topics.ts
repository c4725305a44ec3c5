/** The product's topics as another team's service reads them: a plain consumer, from the beginning. */
import { randomUUID } from 'node:crypto';
import { Kafka, logLevel } from 'kafkajs';
import { topicNames } from '../../../contracts/topics/topics';
import { eventually } from '../eventually';

export interface TopicRecord {
  topic: string;
  partition: number;
  offset: string;
  key: string;
  event: OutsideEvent;
}

interface OutsideEvent {
  id: string;
  type: string;
  source: string;
  traceparent?: string;
  data: Record<string, unknown>;
}

export interface Topics {
  /** Every record with this key so far, but for what providers told; with a topic, that one's alone. */
  of(key: string, topic?: string): TopicRecord[];
  /** @throws Error that names what did not come in time */
  next(topic: string, key: string, timeoutMs?: number): Promise<TopicRecord>;
  /** Waits until `group` has committed beyond the record. */
  consumedBy(group: string, record: TopicRecord): Promise<void>;
  /** Waits until everything that is on the topics now has been read here. */
  readToTheEnd(): Promise<void>;
  close(): Promise<void>;
}

export async function readTopics(brokers: string): Promise<Topics> {
  const kafka = new Kafka({
    brokers: brokers.split(','),
    clientId: 'an-outside-service',
    logLevel: logLevel.NOTHING,
    retry: { initialRetryTime: 100, maxRetryTime: 1_000, retries: 30 },
  });
  const consumer = kafka.consumer({
    groupId: `outside-${randomUUID()}`,
    // After a broker was away, the group waits so long for its former self.
    sessionTimeout: 6_000,
    rebalanceTimeout: 6_000,
    heartbeatInterval: 1_000,
  });
  const admin = kafka.admin();
  await Promise.all([consumer.connect(), admin.connect()]);
  await consumer.subscribe({ topics: topicNames, fromBeginning: true });
  // By place: after a broker was away, some are delivered twice.
  const records = new Map<string, TopicRecord>();
  await consumer.run({
    eachMessage: ({ topic, partition, message: { key, value, offset } }) => {
      records.set(`${topic}/${partition}/${offset}`, {
        topic,
        partition,
        offset,
        key: key?.toString() ?? '',
        event: eventOf(value),
      });
      return Promise.resolve();
    },
  });

  const of = (wantedKey: string, wantedTopic?: string) =>
    [...records.values()].filter(
      ({ key, topic }) =>
        key === wantedKey &&
        (wantedTopic === undefined ? topic !== 'webhooks.received' : topic === wantedTopic),
    );
  return {
    of,
    next: (topic, key, timeoutMs) =>
      eventually(`a record on ${topic} with key ${key}`, () => Promise.resolve(of(key, topic)[0]), {
        timeoutMs,
      }),
    async consumedBy(group, { topic, partition, offset }) {
      await eventually(`group ${group} to pass ${topic}/${partition}/${offset}`, async () => {
        const [state] = await admin.fetchOffsets({ groupId: group, topics: [topic] });
        const committed = state?.partitions.find((one) => one.partition === partition)?.offset;
        if (committed !== undefined && BigInt(committed) > BigInt(offset)) return true;
        throw new Error(`it has committed ${committed}`);
      });
    },
    async readToTheEnd() {
      const ends = await Promise.all(topicNames.map((topic) => admin.fetchTopicOffsets(topic)));
      // No record is ever removed in a test's lifetime, and none is a transaction's marker.
      const written = ends.flat().reduce((sum, { high }) => sum + Number(high), 0);
      await eventually(`${written} records to be read`, () => Promise.resolve(records.size >= written));
    },
    async close() {
      await Promise.all([consumer.disconnect(), admin.disconnect()]);
    },
  };
}

/** What is no event at all is one that says nothing. */
function eventOf(value: Buffer | null): OutsideEvent {
  try {
    const event = JSON.parse(value?.toString() ?? 'null') as OutsideEvent | null;
    if (typeof event === 'object' && event !== null) return event;
  } catch {
    // Not JSON.
  }
  return { id: '', type: '', source: '', data: {} };
}
