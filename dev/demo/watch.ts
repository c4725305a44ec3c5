/** An ordinary Kafka consumer outside the product: what another team's service would see. */
import { setTimeout as sleep } from 'node:timers/promises';
import { randomUUID } from 'node:crypto';
import { Kafka, logLevel } from 'kafkajs';
import { topicNames } from '../../contracts/topics/topics';

export interface SeenRecord {
  topic: string;
  partition: number;
  offset: string;
  key: string;
  event: { id: string; type: string; source: string; subject: string; data: Record<string, unknown> };
}

export interface Watch {
  /** Every record with this key so far, oldest first for each topic. */
  seen(key: string): SeenRecord[];
  /** @throws Error that names what did not come within `timeoutMs` */
  next(topic: string, key: string, timeoutMs: number): Promise<SeenRecord>;
  /** Waits until `group` has committed beyond the record: it was consumed. @throws Error after `timeoutMs` */
  consumed(group: string, record: SeenRecord, timeoutMs: number): Promise<string>;
  close(): Promise<void>;
}

/** Reads every topic from its beginning, with a group of its own. */
export async function watchTopics(brokers: string[]): Promise<Watch> {
  const kafka = new Kafka({ brokers, clientId: 'an-outside-service', logLevel: logLevel.NOTHING });
  const groupId = `demo-${randomUUID()}`;
  const consumer = kafka.consumer({ groupId });
  const admin = kafka.admin();
  await Promise.all([consumer.connect(), admin.connect()]);
  await consumer.subscribe({ topics: topicNames, fromBeginning: true });
  const records: SeenRecord[] = [];
  await consumer.run({
    eachMessage: ({ topic, partition, message }) => {
      const event = JSON.parse(message.value?.toString() ?? 'null') as SeenRecord['event'];
      records.push({ topic, partition, offset: message.offset, key: message.key?.toString() ?? '', event });
      return Promise.resolve();
    },
  });

  async function until<T>(what: string, timeoutMs: number, look: () => Promise<T | undefined>): Promise<T> {
    const deadlineMs = performance.now() + timeoutMs;
    for (;;) {
      const found = await look();
      if (found !== undefined) return found;
      if (performance.now() > deadlineMs)
        throw new Error(`${what} did not come within ${timeoutMs / 1000} s`);
      await sleep(50);
    }
  }

  return {
    seen: (key) => records.filter((record) => record.key === key),
    next: (topic, key, timeoutMs) =>
      until(`a record on ${topic} with key ${key}`, timeoutMs, () =>
        Promise.resolve(records.find((record) => record.topic === topic && record.key === key)),
      ),
    consumed: (group, { topic, partition, offset }, timeoutMs) =>
      until(`group ${group} consuming ${topic}/${partition}/${offset}`, timeoutMs, async () => {
        const [state] = await admin.fetchOffsets({ groupId: group, topics: [topic] });
        const committed = state?.partitions.find((one) => one.partition === partition)?.offset;
        return committed !== undefined && BigInt(committed) > BigInt(offset) ? committed : undefined;
      }),
    async close() {
      await consumer.disconnect();
      await admin.deleteGroups([groupId]).catch(() => undefined);
      await admin.disconnect();
    },
  };
}
