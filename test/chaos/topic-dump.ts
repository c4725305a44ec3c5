/** Everything that is on the topics at a moment, as bytes. */
import { randomUUID } from 'node:crypto';
import type { Admin, Kafka } from 'kafkajs';
import { provisionedTopics } from '../../contracts/topics/topics';
import { eventually } from '../support/eventually';

export interface DumpedRecord {
  topic: string;
  partition: number;
  offset: number;
  key: string;
  /** Null: no value, or one that is not UTF-8. */
  value: string | null;
  headers: Record<string, string>;
}

interface Place {
  topic: string;
  partition: number;
}

export interface End extends Place {
  end: number;
}

const placeOf = ({ topic, partition }: Place): string => `${topic}/${partition}`;

/** The offset after the last record of each partition. */
export async function topicEnds(admin: Admin, topics: readonly string[]): Promise<End[]> {
  const ends = await Promise.all(
    topics.map(async (topic) =>
      (await admin.fetchTopicOffsets(topic)).map(({ partition, high }) => ({
        topic,
        partition,
        end: Number(high),
      })),
    ),
  );
  return ends.flat();
}

/** Reads every topic from its beginning to where it ends now. */
export async function dumpTopics(kafka: Kafka, admin: Admin): Promise<DumpedRecord[]> {
  const topics = provisionedTopics();
  const unread = new Map(
    (await topicEnds(admin, topics)).filter(({ end }) => end > 0).map((at) => [placeOf(at), at.end]),
  );
  const records: DumpedRecord[] = [];
  const consumer = kafka.consumer({ groupId: `dump-${randomUUID()}`, maxWaitTimeInMs: 500 });
  try {
    await consumer.connect();
    await consumer.subscribe({ topics, fromBeginning: true });
    await consumer.run({
      autoCommit: false,
      eachMessage: ({ topic, partition, message }) => {
        const { key, value, headers } = message;
        const offset = Number(message.offset);
        const texts = Object.entries(headers ?? {}).map(([name, text]) => [name, String(text)]);
        records.push({
          topic,
          partition,
          offset,
          key: key?.toString() ?? '',
          value: value?.toString() ?? null,
          headers: Object.fromEntries(texts) as Record<string, string>,
        });
        const place = placeOf({ topic, partition });
        if (offset + 1 >= (unread.get(place) ?? 0)) unread.delete(place);
        return Promise.resolve();
      },
    });
    await eventually('every topic to be read', () => Promise.resolve(unread.size === 0), {
      timeoutMs: 180_000,
    });
  } finally {
    await consumer.disconnect();
  }
  // By place: a partition that changed hands is read twice.
  const byPlace = new Map(records.map((record) => [`${placeOf(record)}/${record.offset}`, record]));
  return [...byPlace.values()].toSorted((a, b) => a.offset - b.offset);
}
