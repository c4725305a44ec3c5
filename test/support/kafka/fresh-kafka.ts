/**
 * Kafka for one test file: fresh topics and groups, and a plain reader that knows nothing of this project.
 *
 * Topics and groups have fixed names, so files that use them cannot run side by side on one Kafka.
 */
import { Kafka, logLevel, type Admin, type KafkaMessage } from 'kafkajs';
import { pino } from 'pino';
import { createKafkaClient } from '../../../bridge/kafka/kafkajs';
import type { KafkaClient } from '../../../bridge/kafka/port';
import { consumerGroups, provisionedTopics } from '../../../contracts/topics/topics';
import { until } from '../until';

export const silentLog = pino({ level: 'silent' });

export interface ReadRecord {
  topic: string;
  partition: number;
  message: KafkaMessage;
}

export interface FreshKafka {
  client: KafkaClient;
  plain: Kafka;
  /** Everything that was ever written to `topic`, as an unrelated consumer sees it; grows. */
  read(topic: string): Promise<ReadRecord[]>;
  end(): Promise<void>;
}

function brokers(): string[] {
  const given = process.env['TEST_KAFKA_BROKERS'];
  if (!given) throw new Error('TEST_KAFKA_BROKERS is not set: these tests need a running Kafka');
  return given.split(',');
}

/** Deletes what earlier files left and creates every topic anew. */
export async function freshKafka(partitions = 3): Promise<FreshKafka> {
  const plain = new Kafka({ brokers: brokers(), logLevel: logLevel.NOTHING, retry: { retries: 8 } });
  await recreate(plain, partitions);
  const readers: { disconnect(): Promise<void> }[] = [];
  return {
    client: createKafkaClient({ brokers: brokers(), clientId: 'test', ssl: false }, silentLog),
    plain,
    async read(topic) {
      const records: ReadRecord[] = [];
      const consumer = plain.consumer({ groupId: `reader-${topic}-${readers.length}` });
      readers.push(consumer);
      await consumer.connect();
      await until('the broker hosts the topic that was just created', () =>
        consumer.subscribe({ topic, fromBeginning: true }).then(() => true, isNotHostedYet),
      );
      await consumer.run({
        eachMessage: async ({ partition, message }) => void records.push({ topic, partition, message }),
      });
      return records;
    },
    async end() {
      await Promise.all(readers.map((reader) => reader.disconnect()));
    },
  };
}

/** @returns false for a topic whose partitions have no leader yet @throws any other error */
export function isNotHostedYet(error: unknown): false {
  if (error instanceof Error && 'type' in error && error.type === 'UNKNOWN_TOPIC_OR_PARTITION') return false;
  throw error;
}

async function recreate(kafka: Kafka, numPartitions: number): Promise<void> {
  const admin = kafka.admin();
  await admin.connect();
  try {
    const names = provisionedTopics();
    const wanted = new Set(names);
    const existing = async () => (await admin.listTopics()).filter((name) => wanted.has(name));
    const left = await existing();
    if (left.length > 0) await admin.deleteTopics({ topics: left });
    await until('the old topics are gone', async () => (await existing()).length === 0);
    // A member that was killed stays in its group until its session ends.
    await until('the old groups are gone', () => deleteGroups(admin).catch(() => false));
    // Deletion goes on for a moment after a name is free to see.
    await until('the topics are made anew', () =>
      admin
        .createTopics({ waitForLeaders: true, topics: names.map((topic) => ({ topic, numPartitions })) })
        .then(
          () => true,
          () => false,
        ),
    );
  } finally {
    await admin.disconnect();
  }
}

/** True: none of the product's groups exists any more. @throws when one has members */
async function deleteGroups(admin: Admin): Promise<true> {
  const { groups } = await admin.listGroups();
  const ours = groups.filter(({ groupId }) => (consumerGroups as readonly string[]).includes(groupId));
  if (ours.length > 0) await admin.deleteGroups(ours.map(({ groupId }) => groupId));
  return true;
}
