import type { Message } from 'kafkajs';
import { bombs, codecs, storeCompressed, writeBatch, type Codec } from '../../support/kafka/compressed';
import { sendAll, time, useGroups } from '../../support/kafka/consuming';
import { subscriptionUpdated } from '../../support/kafka/subscription-records';
import { until } from '../../support/until';

const group = 'analytics-service';
const topic = 'subscriptions.updated';

const given = useGroups(2);
const handled = new Set<string>();
beforeAll(async () => {
  const handle = async ({ id }: { id: string }) => void handled.add(id);
  await given.start({ [topic]: handle }, { group });
});

const records = (name: string, count: number, partition = 0) =>
  Array.from({ length: count }, (_, at) => ({ ...subscriptionUpdated(`${name}_${at}`, 1, time), partition }));
const allHandled = (name: string, count: number) =>
  until(
    `all of ${name} are handled`,
    async () => [...handled].filter((id) => id.startsWith(`${name}_`)).length === count,
  );
const letters = () => given.db.deadLetter.findMany();

describe('R1: records that a producer has compressed', () => {
  it.each(Object.keys(codecs) as Codec[])('with %s, as Java does, are handled', async (codec) => {
    await storeCompressed(given.kafka.plain, topic, codec);
    await sendAll(given.producer, records(codec, 500));
    await allHandled(codec, 500);
    expect(await letters()).toEqual([]);
  });
});

describe('R1: a batch that unpacks to too much', () => {
  const message: Message[] = [{ key: 'sub_bomb', value: 'x' }];

  it.each<[keyof typeof bombs, number]>([
    ['zstd', 1_000_000_000],
    // The broker unpacks it, too, and takes ten seconds for a gigabyte.
    ['gzip', 100_000_000],
  ])('is one dead letter with its offsets, and takes no memory, of %s', async (codec, bytes) => {
    await storeCompressed(given.kafka.plain, topic, 'producer');
    const bomb = await bombs[codec](bytes);
    const { maxRSS: before } = process.resourceUsage();
    await sendAll(given.producer, records(`before-${codec}`, 10));
    const offset = BigInt(
      await writeBatch(given.kafka.plain, { topic, partition: 0 }, codec, message, () => bomb),
    );
    await sendAll(given.producer, [...records(`after-${codec}`, 10), ...records(`beside-${codec}`, 10, 1)]);
    await Promise.all(['before', 'after', 'beside'].map((when) => allHandled(`${when}-${codec}`, 10)));
    const letter = await until('it is a dead letter', () =>
      given.db.deadLetter.findFirst({ where: { offset } }),
    );
    expect(letter).toMatchObject({
      topic,
      partition: 0,
      last_offset: offset,
      error_code: 'batch_not_decodable',
      value: null,
    });
    expect((process.resourceUsage().maxRSS - before) / 1_024).toBeLessThan(100);
    const end = Number(offset) + 11;
    await until('all is committed', async () => (await given.committed(group, topic, 0)) === end);
    expect(given.fatal).toEqual([]);
    expect(given.logged).not.toContain('consumer crashed');
  });

  it('is not handled by a redrive, which says where the original is', async () => {
    const { id } = await given.db.deadLetter.findFirstOrThrow({
      where: { error_code: 'batch_not_decodable' },
    });
    await given.db.deadLetter.update({ where: { id }, data: { redrive_requested_at: new Date() } });
    const letter = await until('it is open again', () =>
      given.db.deadLetter.findFirst({ where: { id, redrive_requested_at: null } }),
    );
    expect(letter).toMatchObject({ status: 'open', error_code: 'batch_not_decodable' });
    expect(letter.error).toContain(`write it again from ${topic}, partition 0, offset ${letter.offset}`);
  });
});
