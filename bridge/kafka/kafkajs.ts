/** The port over kafkajs. Traps of kafkajs that matter here are named where they are avoided. */
import { ConfigResourceTypes, Kafka, logLevel, Partitioners, type Producer, type SASLOptions } from 'kafkajs';
import type { Logger } from 'pino';
import { registerCodecs } from './kafkajs-codecs';
import { patchIdleLoop } from './kafkajs-idle-patch';
import { consume } from './kafkajs-lasting-consumer';
import { patchReconnecting } from './kafkajs-reconnect-patch';
import {
  RecordRefused,
  type KafkaAdmin,
  type KafkaClient,
  type OutgoingRecord,
  type RecordProducer,
  type WrittenAt,
} from './port';

/**
 * kafkajs takes time for a key that grows with the square of its length, minutes for a megabyte. Keys of the contract are
 * shorter than this; a longer one, of a dead letter, is placed by its beginning.
 */
const hashedKeyBytes = 1_024;

/** kafkajs copies a record several times in memory, and a broker ends the connection over a request too large. */
const maxValueBytes = 16 * 2 ** 20;

export interface KafkaSettings {
  brokers: string[];
  clientId: string;
  /** PEM texts; what is left out is what Node.js takes by default. */
  ssl: boolean | { ca?: string; cert?: string; key?: string };
  sasl?: { mechanism: 'plain' | 'scram-sha-256' | 'scram-sha-512'; username: string; password: string };
}

/** @param log kafkajs's own messages go there, warnings and worse */
export function createKafkaClient(settings: KafkaSettings, log: Logger): KafkaClient {
  patchIdleLoop();
  patchReconnecting();
  registerCodecs();
  const kafka = new Kafka({
    brokers: settings.brokers,
    clientId: settings.clientId,
    ssl: settings.ssl,
    sasl: settings.sasl as SASLOptions | undefined,
    connectionTimeout: 3_000,
    requestTimeout: 10_000,
    retry: { initialRetryTime: 100, maxRetryTime: 2_000, retries: 5 },
    logLevel: logLevel.WARN,
    logCreator: () => (entry) => {
      const { message, ...rest } = entry.log;
      // Said at every start: kafkajs retries the one, and the other is meant (the relay repeats what failed).
      const expected =
        /coordinator is (loading|not available)/.test(String(rest['error'])) || /EoS/.test(message);
      const level = expected ? 'debug' : entry.level === logLevel.ERROR ? 'error' : 'warn';
      log[level](
        { kafka: { topic: rest['topic'], groupId: rest['groupId'], error: rest['error'] } },
        message,
      );
    },
  });
  return {
    producer: () => connectProducer(kafka),
    consumer: (options) => consume(kafka, options, log),
    admin: () => connectAdmin(kafka),
  };
}

async function connectProducer(kafka: Kafka): Promise<RecordProducer> {
  const producer = renewedOnFailure(kafka);
  const admin = kafka.admin();
  const connected = await Promise.allSettled([producer.connect(), admin.connect()]);
  for (const result of connected) {
    if (result.status === 'fulfilled') continue;
    await Promise.allSettled([producer.disconnect(), admin.disconnect()]);
    throw result.reason;
  }
  const partitioner = Partitioners.DefaultPartitioner();
  const partitions = new Map<string, { partitionId: number }[]>();

  async function partitionOf(topic: string, key: Buffer | string): Promise<number> {
    let known = partitions.get(topic);
    if (known === undefined) {
      const { topics } = await admin.fetchTopicMetadata({ topics: [topic] });
      known = topics[0]?.partitions ?? [];
      if (known.length === 0) throw new Error(`topic ${topic} has no partitions`);
      partitions.set(topic, known);
    }
    const hashed = Buffer.from(key).subarray(0, hashedKeyBytes);
    return partitioner({ topic, partitionMetadata: known as never, message: { key: hashed, value: null } });
  }

  return {
    maxValueBytes,
    partitionOf,
    async send(records) {
      if (records.some(({ value }) => value !== null && Buffer.byteLength(value) > maxValueBytes)) {
        throw new RecordRefused('larger_than_client_allows');
      }
      const placed = await Promise.all(
        records.map(async (record) => ({
          ...record,
          partition: record.partition ?? (await partitionOf(record.topic, record.key ?? '')),
        })),
      );
      const topicMessages = byTopic(placed);
      const written = await producer
        .use((current) => current.sendBatch({ acks: -1, topicMessages }))
        .catch((error: unknown) => {
          throw asRefusal(error) ?? error;
        });
      return placesOf(placed, written);
    },
    async close() {
      await Promise.all([producer.disconnect(), admin.disconnect()]);
    },
  };
}

/** What a broker refuses for its size, whatever is tried; null for everything else. */
function asRefusal(error: unknown): RecordRefused | null {
  for (let at: unknown = error; at instanceof Error; at = at.cause) {
    const { type } = at as { type?: string };
    if (type === 'MESSAGE_TOO_LARGE' || type === 'RECORD_LIST_TOO_LARGE') {
      return new RecordRefused(type.toLowerCase(), { cause: error });
    }
  }
  return null;
}

/**
 * An idempotent producer that is replaced after a failed send; sends take turns. kafkajs takes its sequence number
 * back when a send fails; had the broker written it, it would take the next record for a repeat and drop it silently.
 */
function renewedOnFailure(kafka: Kafka) {
  let current: Promise<Producer> | undefined;
  let lastTurn: Promise<unknown> = Promise.resolve();
  let closed = false;

  async function connect(): Promise<Producer> {
    const producer = kafka.producer({
      idempotent: true,
      maxInFlightRequests: 1,
      allowAutoTopicCreation: false,
      createPartitioner: Partitioners.DefaultPartitioner,
    });
    await producer.connect();
    return producer;
  }

  async function drop(): Promise<void> {
    const dropped = current;
    current = undefined;
    await dropped?.then((producer) => producer.disconnect()).catch(() => undefined);
  }

  async function take<T>(work: (producer: Producer) => Promise<T>): Promise<T> {
    // Whoever still waits for a turn must not connect anew what was closed.
    if (closed) throw new Error('the producer is closed');
    try {
      current ??= connect();
      return await work(await current);
    } catch (error) {
      await drop();
      throw error;
    }
  }

  function use<T>(work: (producer: Producer) => Promise<T>): Promise<T> {
    const turn = lastTurn.then(() => take(work));
    lastTurn = turn.catch(() => undefined);
    return turn;
  }

  async function disconnect(): Promise<void> {
    closed = true;
    await drop();
  }

  return { use, connect: () => use(async () => undefined), disconnect };
}

type PlacedRecord = OutgoingRecord & { partition: number };

function byTopic(records: readonly PlacedRecord[]) {
  const topics = new Map<string, PlacedRecord[]>();
  for (const record of records) topics.set(record.topic, [...(topics.get(record.topic) ?? []), record]);
  return [...topics].map(([topic, list]) => ({
    topic,
    messages: list.map(({ partition, key, value, headers }) => ({ partition, key, value, headers })),
  }));
}

/** kafkajs tells the first offset of each partition's batch; the others follow in order. */
function placesOf(
  records: readonly PlacedRecord[],
  written: { topicName: string; partition: number; baseOffset?: string }[],
): WrittenAt[] {
  const next = new Map(
    written.map(({ topicName, partition, baseOffset }) => [
      `${topicName}/${partition}`,
      BigInt(baseOffset ?? -1),
    ]),
  );
  return records.map(({ topic, partition }) => {
    const place = `${topic}/${partition}`;
    const offset = next.get(place);
    if (offset === undefined) throw new Error(`Kafka did not say where it wrote to ${place}`);
    next.set(place, offset + 1n);
    return { partition, offset: offset.toString() };
  });
}

async function connectAdmin(kafka: Kafka): Promise<KafkaAdmin> {
  const admin = kafka.admin();
  await admin.connect();
  return {
    async createTopics(wanted, settings) {
      const existing = new Set(await admin.listTopics());
      const missing = wanted.filter(({ name }) => !existing.has(name));
      if (missing.length === 0) return [];
      const configEntries = [
        { name: 'cleanup.policy', value: 'delete' },
        ...(settings.minInsyncReplicas === undefined
          ? []
          : [{ name: 'min.insync.replicas', value: String(settings.minInsyncReplicas) }]),
      ];
      // False means that another process made them meanwhile.
      await admin.createTopics({
        waitForLeaders: true,
        topics: missing.map(({ name: topic, retentionMs }) => ({
          topic,
          numPartitions: settings.partitions,
          replicationFactor: settings.replicationFactor,
          configEntries: [{ name: 'retention.ms', value: String(retentionMs) }, ...configEntries],
        })),
      });
      return missing.map(({ name }) => name);
    },
    async describeTopics(names) {
      const existing = new Set(await admin.listTopics());
      const present = names.filter((name) => existing.has(name));
      if (present.length === 0) return [];
      const { topics } = await admin.fetchTopicMetadata({ topics: [...present] });
      const { resources } = await admin.describeConfigs({
        includeSynonyms: false,
        resources: present.map((name) => ({
          type: ConfigResourceTypes.TOPIC,
          name,
          configNames: ['retention.ms'],
        })),
      });
      return topics.map(({ name, partitions }) => ({
        name,
        partitions: partitions.length,
        retentionMs: Number(
          resources
            .find((r) => r.resourceName === name)
            ?.configEntries.find((c) => c.configName === 'retention.ms')?.configValue ?? -1,
        ),
      }));
    },
    close: () => admin.disconnect(),
  };
}
