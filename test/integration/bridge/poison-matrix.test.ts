/**
 * Every kind of poison on every topic that is consumed, among records that are good.
 *
 * The groups have handlers that only note what reaches them: no poison may. A seed sets the order (`POISON_SEED`).
 */
import type { Message } from 'kafkajs';
import type { Handlers } from '../../../bridge/consumer/consumer';
import type { OutgoingRecord, RecordProducer } from '../../../bridge/kafka/port';
import type { EventTopic } from '../../../contracts/topics/events';
import { consumerGroups, topicNames, type ConsumerGroup } from '../../../contracts/topics/topics';
import { closeDatabase, createDatabase, type Database } from '../../../prisma/client';
import { groupsOf } from '../../chaos/poison';
import { randomFrom, type Random } from '../../chaos/random';
import { bombs, packed, writeBatch, type Codec } from '../../support/kafka/compressed';
import { consuming, structured, type Consuming } from '../../support/kafka/consuming';
import { sampleEvent } from '../../support/kafka/event-samples';
import { freshKafka, type FreshKafka } from '../../support/kafka/fresh-kafka';
import { poisonKinds } from '../../support/kafka/poison';
import { createTestDatabase } from '../../support/servers/database';
import { until } from '../../support/until';

const seed = Number(process.env['POISON_SEED'] ?? 7);
const withinMs = 60_000;

let kafka: FreshKafka;
let database: Awaited<ReturnType<typeof createTestDatabase>>;
let db: Database;
let producer: RecordProducer;
let groups: Consuming;
/** Events that a group handled, as `group/topic/id`. */
const handled = new Set<string>();
/** What is to become of records, as `group/topic/offset`: a code, for those that are given up. */
const wanted = new Map<string, string>();
const good = new Set<string>();
beforeAll(async () => {
  database = await createTestDatabase();
  db = createDatabase(database.url, 10);
  kafka = await freshKafka(1);
  producer = await kafka.client.producer();
  groups = await consuming(kafka, db);
  await Promise.all(consumerGroups.map((group) => groups.start(handlersOf(group), { group })));
}, 120_000);
afterAll(async () => {
  await groups.closeGroups();
  await groups.end();
  await producer.close();
  await kafka.end();
  await closeDatabase(db);
  await database.drop();
});

function handlersOf(group: ConsumerGroup): Handlers {
  const own = topicNames.filter((topic) => groupsOf(topic).includes(group));
  return Object.fromEntries(
    own.map((topic) => [
      topic,
      async ({ id }: { id: string }) => void handled.add(`${group}/${topic}/${id}`),
    ]),
  );
}

interface Planned {
  record: OutgoingRecord;
  /** Undefined: it is good. */
  code: string | undefined;
}

let events = 0;
function goodRecord(topic: EventTopic, key: string): Planned {
  events += 1;
  const id = `good/${events}`;
  for (const group of groupsOf(topic)) good.add(`${group}/${topic}/${id}`);
  const value = JSON.stringify(sampleEvent(topic, key, id));
  return { record: { topic, key, value, headers: structured }, code: undefined };
}

/** Of each kind all, each followed by a good one of its key, and by one of another. */
function plan(topic: EventTopic, random: Random): Planned[] {
  const poison = Object.entries(poisonKinds).flatMap(([kind, make], at) => {
    const key = `key_${at}`;
    return make(topic, sampleEvent(topic, key, `${kind}/${topic}`)).map(({ value, code }) => ({
      record: { topic, key, value, headers: structured },
      code,
    }));
  });
  return random
    .shuffled(poison)
    .flatMap((one) => [one, goodRecord(topic, String(one.record.key)), goodRecord(topic, 'key_other')]);
}

async function write(topic: EventTopic, planned: readonly Planned[]): Promise<void> {
  for (let at = 0; at < planned.length; at += 50) {
    const part = planned.slice(at, at + 50);
    const large = part.some(({ record }) => Buffer.byteLength(record.value ?? '') > 100_000);
    // One that is as large as its topic takes is a batch of its own.
    const batches = large ? part.map((one) => [one]) : [part];
    for (const batch of batches) {
      const places = await producer.send(batch.map(({ record }) => record));
      for (const [index, { code }] of batch.entries())
        if (code !== undefined) expectGivenUp(topic, places[index]?.offset ?? '', code);
    }
  }
}

function expectGivenUp(topic: EventTopic, offset: string, code: string): void {
  for (const group of groupsOf(topic)) wanted.set(`${group}/${topic}/${offset}`, code);
}

/** A good batch in each codec, and a bomb. */
async function writeCompressed(topic: EventTopic): Promise<void> {
  const place = { topic, partition: 0 };
  for (const codec of ['snappy', 'lz4', 'zstd'] satisfies Codec[]) {
    const messages = [1, 2, 3].map(() => {
      const { record } = goodRecord(topic, 'key_packed');
      return { key: 'key_packed', value: record.value, headers: structured } satisfies Message;
    });
    await writeBatch(kafka.plain, place, codec, messages, packed[codec]);
  }
  const bomb = await bombs.zstd(1_000_000_000);
  const message: Message[] = [{ key: 'key_bomb', value: 'x' }];
  const offset = await writeBatch(kafka.plain, place, 'zstd', message, () => bomb);
  expectGivenUp(topic, offset, 'batch_not_decodable');
}

const letters = async () =>
  new Map(
    (await db.deadLetter.findMany({ omit: { value: true } })).map(
      ({ group, topic, offset, error_code: code }) => [`${group}/${topic}/${offset}`, code] as const,
    ),
  );

it('R1, R2, R3: twelve kinds of poison on ten topics are dead letters, and every good record is handled', async () => {
  const random = randomFrom(seed);
  const { maxRSS: before } = process.resourceUsage();
  await Promise.all(topicNames.map((topic) => write(topic, plan(topic, random))));
  for (const topic of topicNames) await writeCompressed(topic);
  for (const topic of topicNames) await write(topic, [goodRecord(topic, 'key_last')]);
  const writtenMs = performance.now();
  await until('every good record is handled', async () => [...good].every((id) => handled.has(id)), withinMs);
  await until(
    'every poison record is a dead letter',
    async () => (await letters()).size >= wanted.size,
    withinMs,
  );
  const tookMs = performance.now() - writtenMs;
  const rssMiB = (process.resourceUsage().maxRSS - before) / 1_024;
  const figures = `${wanted.size} dead letters and ${good.size} good records within ${Math.round(tookMs)} ms`;
  process.stderr.write(`poison of seed ${seed}: ${figures}; ${Math.round(rssMiB)} MiB more memory\n`);
  expect(Object.fromEntries(await letters())).toEqual(Object.fromEntries(wanted));
  expect([...handled].filter((id) => !good.has(id))).toEqual([]);
  await until('no lag is left', () => isCommitted(), withinMs);
  expect(groups.fatal).toEqual([]);
  expect(groups.logged).not.toContain('consumer crashed');
}, 240_000);

async function isCommitted(): Promise<boolean> {
  const admin = kafka.plain.admin();
  await admin.connect();
  try {
    for (const topic of topicNames) {
      const [end] = await admin.fetchTopicOffsets(topic);
      for (const group of groupsOf(topic))
        if ((await groups.committed(group, topic, 0)) !== Number(end?.high)) return false;
    }
    return true;
  } finally {
    await admin.disconnect();
  }
}
