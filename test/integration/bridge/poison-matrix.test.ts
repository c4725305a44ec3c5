/**
 * Twelve kinds of poison on the ten topics that are consumed, among records that are good.
 *
 * The groups have handlers that only note what reaches them, those of notifications after their template has read it: no
 * poison may. Each kind is tried once, on topics that the seed chooses (`POISON_SEED`); `npm run chaos:poison` tries each
 * on each, and has Java's console producer and kcat write, too.
 */
import type { Handlers } from '../../../bridge/consumer/consumer';
import { templates } from '../../../bridge/notifications/templates';
import { Unprocessable } from '../../../billing/unprocessable';
import type { EventTopic } from '../../../contracts/topics/events';
import { consumerGroups, topicNames, type ConsumerGroup } from '../../../contracts/topics/topics';
import { groupsOf } from '../../chaos/poison';
import { randomFrom } from '../../chaos/random';
import { bombs, codecs, packed, writeBatch, type Codec } from '../../support/kafka/compressed';
import { structured, useGroups } from '../../support/kafka/consuming';
import { javaProducer, kcatProducer, type OutsideProducer } from '../../support/kafka/outside-producers';
import { goodRecord, packedKind, pairs, planned, type Planned } from '../../support/kafka/poison-plan';
import { until } from '../../support/until';

const isFull = process.env['POISON_MATRIX'] === 'full';
const seed = Number(process.env['POISON_SEED'] ?? 7);
const withinMs = 60_000;
const allCodecs = Object.keys(codecs) as Codec[];
const report = (line: string): void => void process.stderr.write(`${line}\n`);

const given = useGroups(1);
beforeAll(() => Promise.all(consumerGroups.map((group) => given.start(handlersOf(group), { group }))));

/** When a group handled an event, as `group/topic/id`. */
const handledAtMs = new Map<string, number>();
/** The good events, each with when it was written. */
const writtenAtMs = new Map<string, number>();
/** Codes of what is to be given up, as `group/topic/key`. */
const wanted = new Map<string, string>();
/** Poison and the good event that comes next of its key. */
const followers: { letter: string; good: string }[] = [];

function handlersOf(group: ConsumerGroup): Handlers {
  const note = (topic: string, id: string) => void handledAtMs.set(`${group}/${topic}/${id}`, Date.now());
  const own = topicNames.filter((topic) => groupsOf(topic).includes(group));
  const handlers = own.map((topic) => [topic, async ({ id }: { id: string }) => note(topic, id)]);
  if (group !== 'notification-service') return Object.fromEntries(handlers) as Handlers;
  return {
    'notifications.requested': async ({ id, data: { template, data } }) => {
      if (!templates.get(template)?.read(data)) throw new Unprocessable('invalid_notification', template);
      note('notifications.requested', id);
    },
  };
}

/** Notes what has to become of records that are written. */
function expectOf(topic: EventTopic, records: readonly Planned[]): void {
  for (const group of groupsOf(topic))
    for (const [at, { key, goodId, code }] of records.entries()) {
      const next = records[at + 1]?.goodId;
      if (goodId !== undefined) writtenAtMs.set(`${group}/${topic}/${goodId}`, Date.now());
      if (code === undefined) continue;
      wanted.set(`${group}/${topic}/${key}`, code);
      if (next !== undefined)
        followers.push({ letter: `${group}/${topic}/${key}`, good: `${group}/${topic}/${next}` });
    }
}

async function writeOwn(topic: EventTopic, records: readonly Planned[]): Promise<void> {
  // One that is as large as its topic takes is a batch of its own.
  const large = records.some(({ value }) => (value?.length ?? 0) > 100_000);
  const outgoing = records.map(({ key, value }) => ({ topic, key, value, headers: structured }));
  for (const batch of large ? outgoing.map((one) => [one]) : [outgoing]) await given.producer.send(batch);
  expectOf(topic, records);
}

/** Has each producer write what it can, a share of all, each time in another codec. */
async function writeShared(
  topic: EventTopic,
  all: readonly Planned[][],
  outside: readonly OutsideProducer[],
): Promise<void> {
  const shares = outside.flatMap((producer) =>
    allCodecs.map((codec) => ({ producer, codec, records: [] as Planned[] })),
  );
  const own: Planned[] = [];
  for (const [at, records] of all.entries()) {
    const able = shares.filter(({ producer }) => records.every((one) => producer.carries(one)));
    // One share of each round is kafkajs' own.
    (able[at % (able.length + 1)]?.records ?? own).push(...records);
  }
  for (let at = 0; at < own.length; at += 48) await writeOwn(topic, own.slice(at, at + 48));
  for (const { producer, codec, records } of shares) {
    if (records.length === 0) continue;
    await producer.write(topic, codec, records);
    expectOf(topic, records);
  }
}

/** Good batches in each codec, and a bomb, which has no key that can be read. */
async function writePacked(topic: EventTopic): Promise<void> {
  const place = { topic, partition: 0 };
  for (const codec of ['snappy', 'lz4', 'zstd'] satisfies Codec[]) {
    const records = [1, 2, 3].map(() => goodRecord(topic, 'packed'));
    const messages = records.map(({ key, value }) => ({ key, value, headers: structured }));
    await writeBatch(given.kafka.plain, place, codec, messages, packed[codec]);
    expectOf(topic, records);
  }
  const bomb = await bombs.zstd(1_000_000_000);
  await writeBatch(given.kafka.plain, place, 'zstd', [{ key: 'bomb', value: 'x' }], () => bomb);
  for (const group of groupsOf(topic)) wanted.set(`${group}/${topic}/null`, 'batch_not_decodable');
  await writeOwn(topic, [goodRecord(topic, 'packed')]);
}

async function letters() {
  const rows = await given.db.deadLetter.findMany({ omit: { value: true } });
  return rows.map((row) => ({ ...row, name: `${row.group}/${row.topic}/${row.key}` }));
}

async function outsideProducers(): Promise<OutsideProducer[]> {
  if (!isFull) return [];
  const found = [await javaProducer(report), await kcatProducer()].filter((one) => one !== undefined);
  report(`producers: ${['kafkajs', ...found.map(({ name }) => name)].join(', ')}`);
  return found;
}

const overWithinMs = isFull ? 1_200_000 : 240_000;
it(
  'R1, R2, R3: every kind of poison becomes a dead letter, and every good record is handled',
  async () => {
    const random = randomFrom(seed);
    const outside = await outsideProducers();
    const chosen = [...pairs(isFull, random)];
    const writing = chosen.map(
      ([topic, kinds]) =>
        () =>
          writeShared(topic, planned(topic, kinds, random), outside),
    );
    if (isFull) for (const write of writing) await write();
    else await Promise.all(writing.map((write) => write()));
    await until('the poison is out of the way', async () => missing().length === 0, withinMs).catch(() => 0);
    const { maxRSS: beforeKiB } = process.resourceUsage();
    for (const [topic, kinds] of chosen) if (kinds.includes(packedKind)) await writePacked(topic);
    await until('every good record is handled', async () => missing().length === 0, withinMs).catch(() => 0);
    await until(
      'every poison record is given up',
      async () => (await letters()).length >= wanted.size,
      withinMs,
    ).catch(() => 0);
    const moreMiB = (process.resourceUsage().maxRSS - beforeKiB) / 1_024;
    expect(missing()).toEqual([]);
    const found = await letters();
    expect(Object.fromEntries(found.map(({ name, error_code: code }) => [name, code]))).toEqual(
      Object.fromEntries(wanted),
    );
    expect(found.map(({ name }) => name).sort()).toEqual([...wanted.keys()].sort());
    expect([...handledAtMs.keys()].filter((id) => !writtenAtMs.has(id))).toEqual([]);
    const sameKeyMs = slowest(
      followers.map(({ letter, good }) => {
        const row = found.find(({ name }) => name === letter);
        return (handledAtMs.get(good) ?? Infinity) - (row?.created_at.getTime() ?? 0);
      }),
    );
    const anyMs = slowest([...writtenAtMs].map(([id, ms]) => (handledAtMs.get(id) ?? Infinity) - ms));
    report(
      `poison of seed ${seed}: ${found.length} dead letters, ${writtenAtMs.size} good records, the slowest ${anyMs} ms ` +
        `after it was written, ${sameKeyMs} ms after its key's dead letter; ${Math.round(moreMiB)} MiB more for bombs`,
    );
    expect(sameKeyMs).toBeLessThan(withinMs);
    expect(anyMs).toBeLessThan(withinMs);
    expect(moreMiB).toBeLessThan(100);
    await until('no lag is left', () => isCommitted(), withinMs);
    expect(given.fatal).toEqual([]);
    expect(given.logged).not.toContain('consumer crashed');
  },
  overWithinMs,
);

const missing = () => [...writtenAtMs.keys()].filter((id) => !handledAtMs.has(id));
const slowest = (ms: readonly number[]) => ms.reduce((most, one) => Math.max(most, one), 0);

async function isCommitted(): Promise<boolean> {
  const admin = given.kafka.plain.admin();
  await admin.connect();
  try {
    for (const topic of topicNames) {
      const [end] = await admin.fetchTopicOffsets(topic);
      for (const group of groupsOf(topic))
        if ((await given.committed(group, topic, 0)) !== Number(end?.high)) return false;
    }
    return true;
  } finally {
    await admin.disconnect();
  }
}
