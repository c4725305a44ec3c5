/** A consumer group under test: what it logs, how far it committed, and records for it to read. */
import { pino } from 'pino';
import {
  runGroup,
  type GroupDependencies,
  type Handlers,
  type RunningGroup,
} from '../../../bridge/consumer/consumer';
import { createKafkaClient } from '../../../bridge/kafka/kafkajs';
import type { OutgoingRecord, RecordProducer } from '../../../bridge/kafka/port';
import { writeEnvelope } from '../../../contracts/topics/envelope';
import type { EventData } from '../../../contracts/topics/events';
import type { ConsumerGroup } from '../../../contracts/topics/topics';
import { closeDatabase, createDatabase, type Database } from '../../../prisma/client';
import { forFile } from '../for-file';
import { createTestDatabase, type TestDatabase } from '../servers/database';
import { someTrace } from '../trace';
import { freshKafka, type FreshKafka } from './fresh-kafka';

export const time = new Date('2027-01-15T12:00:00.000Z');
export const structured = { 'content-type': 'application/cloudevents+json' };

export const failedPayment = (paymentId: string, subscriptionId: string): EventData<'payments.failed'> => ({
  payment_id: paymentId,
  kind: 'renewal',
  subscription_id: subscriptionId,
  customer_id: 'cus_1',
  period_index: 2,
  attempt: 1,
  amount: 1000,
  currency: 'EUR',
  provider: 'sandbox',
  provider_reference: null,
  trigger: 'renewal',
  failure: { category: 'soft', code: 'do_not_honor', provider_code: null, message: '', network_advice: null },
  failed_at: time.toISOString(),
});

/** A record of `payments.failed`, as the contract wants it. */
export function failedRecord(
  paymentId: string,
  key: string,
  more: Partial<OutgoingRecord> = {},
): OutgoingRecord {
  const topic = 'payments.failed';
  const about = { id: `${paymentId}/attempt/1/failed`, subject: paymentId, key, trace: someTrace };
  const event = { topic, source: '/payment-service', ...about, data: failedPayment(paymentId, key) } as const;
  return { topic, key, value: writeEnvelope(event, time), headers: structured, ...more };
}

/** In batches that a broker takes. */
export async function sendAll(producer: RecordProducer, records: readonly OutgoingRecord[]): Promise<void> {
  for (let at = 0; at < records.length; at += 250) await producer.send(records.slice(at, at + 250));
}

export interface Consuming {
  /** What was logged so far, warnings and worse. */
  readonly logged: string[];
  readonly fatal: Error[];
  start(
    handlers: Handlers,
    more?: Pick<GroupDependencies, 'limits' | 'onWaiting'> & { group?: ConsumerGroup },
  ): Promise<RunningGroup>;
  /** The offset after the last committed record; -1 while there is none. */
  committed(group: ConsumerGroup, topic: string, partition: number): Promise<number>;
  /** Ids of the group's members as the broker has them, and its state. */
  describe(group: ConsumerGroup): Promise<{ state: string; members: string[] }>;
  /** Closes every group that was started since. */
  closeGroups(): Promise<void>;
  end(): Promise<void>;
}

export async function consuming(kafka: FreshKafka, db: Database): Promise<Consuming> {
  const logged: string[] = [];
  const fatal: Error[] = [];
  const groups = new Set<RunningGroup>();
  const log = pino(
    { level: 'info' },
    { write: (line: string) => void logged.push((JSON.parse(line) as { msg: string }).msg) },
  );
  const client = createKafkaClient(
    { brokers: (process.env['TEST_KAFKA_BROKERS'] ?? '').split(','), clientId: 'test', ssl: false },
    log,
  );
  const admin = kafka.plain.admin();
  await admin.connect();
  return {
    logged,
    fatal,
    async start(handlers, { group = 'payment-service', ...more } = {}) {
      const onFatal = (error: Error) => void fatal.push(error);
      const running = await runGroup({ kafka: client, db, log, onFatal, ...more }, group, handlers);
      groups.add(running);
      return running;
    },
    async committed(groupId, topic, partition) {
      const [offsets] = await admin.fetchOffsets({ groupId, topics: [topic] });
      return Number(offsets?.partitions.find((one) => one.partition === partition)?.offset ?? -1);
    },
    async describe(group) {
      const [found] = (await admin.describeGroups([group])).groups;
      return {
        state: found?.state ?? '',
        members: found?.members.map(({ memberId }) => memberId).sort() ?? [],
      };
    },
    async closeGroups() {
      await Promise.all([...groups].map((group) => group.close()));
      groups.clear();
    },
    end: () => admin.disconnect(),
  };
}

/** Consumer groups under test, over a database and a Kafka of their own. */
export interface TestGroups extends Consuming {
  readonly database: TestDatabase;
  readonly db: Database;
  readonly kafka: FreshKafka;
  /** Writes the records that the groups read. */
  readonly producer: RecordProducer;
}

/** Opens what groups need; `end` closes the groups, too. */
export async function openGroups(partitions: number): Promise<TestGroups> {
  const database = await createTestDatabase();
  const db = createDatabase(database.url, 5);
  const kafka = await freshKafka(partitions);
  const producer = await kafka.client.producer();
  const groups = await consuming(kafka, db);
  return {
    ...groups,
    database,
    db,
    kafka,
    producer,
    async end() {
      await groups.closeGroups();
      await groups.end();
      await producer.close();
      await kafka.end();
      await closeDatabase(db);
      await database.drop();
    },
  };
}

/** Registers them for the tests of this file. */
export const useGroups = (partitions: number): TestGroups =>
  forFile(
    () => openGroups(partitions),
    (groups) => groups.end(),
  );
