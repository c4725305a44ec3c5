import type { WaitingReason } from '../../../bridge/consumer/consumer';
import type { OutgoingRecord } from '../../../bridge/kafka/port';
import { sql } from '../../../prisma/sql';
import { failedRecord, useGroups, type Consuming } from '../../support/kafka/consuming';
import type { ReadRecord } from '../../support/kafka/fresh-kafka';
import { until } from '../../support/until';

const topic = 'payments.failed';

const given = useGroups(1);
let dead: ReadRecord[];
beforeAll(async () => {
  dead = await given.kafka.read('payment-service.dlq');
});
afterEach(() => given.closeGroups());

type More = Parameters<Consuming['start']>[1];

/** Starts a group. @returns the payments whose records were handled so far */
async function consume(more: More, handle: (paymentId: string) => Promise<unknown> = async () => undefined) {
  const handled: string[] = [];
  const onFailed = async ({ data: { payment_id: id } }: { data: { payment_id: string } }) => {
    await handle(id);
    handled.push(id);
  };
  await given.start({ [topic]: onFailed }, more);
  return handled;
}

describe('R2: a record that can never be handled', () => {
  const limits = { absent: 0, data: 300, fault: 300 };

  it.each<[string, () => Promise<unknown>, string]>([
    ['NUL', () => sql(given.db).query`SELECT ${'\0'}::text`, 'SQLSTATE 22021: '],
    ['overflow', () => sql(given.db).query`SELECT ${2 ** 31}::int`, 'SQLSTATE 22003: '],
    ['mistake', () => Promise.reject(new TypeError('no function')), 'TypeError: no function'],
  ])(
    'for one %s is put aside after its time, and the next of its key is handled',
    async (name, fail, why) => {
      const [id, next, key] = [`pay_${name}`, `pay_after_${name}`, `sub_${name}`];
      await given.producer.send([failedRecord(id, key), failedRecord(next, key)]);
      const handled = await consume({ limits }, async (paymentId) => {
        if (paymentId === id) await fail();
      });
      await until('the next was handled', async () => handled.includes(next));
      const letters = await given.db.deadLetter.findMany({ where: { key } });
      expect(letters).toMatchObject([{ event_id: `${id}/attempt/1/failed`, error_code: 'handler_failed' }]);
      expect(letters[0]?.error).toContain(why);
    },
  );

  it('while something is unavailable is waited for, however long that takes, and is counted', async () => {
    const key = 'sub_outage';
    const waiting = { unavailable: 0, absent: 0, failing: 0 };
    const most = { ...waiting };
    let tries = 0;
    await given.producer.send([failedRecord('pay_outage', key)]);
    const onWaiting = (reason: WaitingReason, change: 1 | -1) => {
      waiting[reason] += change;
      most[reason] = Math.max(most[reason], waiting[reason]);
    };
    const handled = await consume({ limits: { absent: 0, data: 0, fault: 0 }, onWaiting }, async () => {
      tries += 1;
      if (tries < 5) throw Object.assign(new Error('refused'), { code: 'ECONNREFUSED' });
    });
    await until('it was handled', async () => handled.includes('pay_outage'));
    expect(await given.db.deadLetter.count({ where: { key } })).toBe(0);
    expect([tries, most, waiting]).toEqual([
      5,
      { unavailable: 1, absent: 0, failing: 0 },
      { unavailable: 0, absent: 0, failing: 0 },
    ]);
  });
});

describe('R3: a record that is as large as its topic takes', () => {
  const bytes = 1_048_450;
  const large = Buffer.alloc(bytes, 'x');
  const record = { topic, partition: 0, key: 'sub_large', value: 'not JSON', headers: {} };

  it.each<[string, OutgoingRecord, object]>([
    ['value', { ...record, value: large }, { key: 'sub_large', value_bytes: bytes }],
    ['headers', { ...record, value: null, headers: { many: large } }, { value_bytes: null, headers: {} }],
    ['key', { ...record, key: large }, { key: 'x'.repeat(1_000), value_bytes: 8 }],
  ])('by its %s has a dead letter without it, and the next is handled', async (name, oversized, kept) => {
    const lettersBefore = dead.length;
    const [place] = await given.producer.send([oversized]);
    await given.producer.send([failedRecord(`pay_after_${name}`, 'sub_large')]);
    const handled = await consume({});
    await until('the next was handled', async () => handled.includes(`pay_after_${name}`));
    const offset = place?.offset ?? '-1';
    const where = { topic, offset: BigInt(offset) };
    const row = await until('it has a row', () => given.db.deadLetter.findFirst({ where }));
    expect(row).toMatchObject({ error_code: 'not_a_cloud_event', value: null, ...kept });
    const { message } = await until('it is on the topic', async () => dead[lettersBefore]);
    expect(message.value).toBeNull();
    expect(message.headers).toMatchObject({
      'dlq-topic': Buffer.from(topic),
      'dlq-offset': Buffer.from(offset),
      'dlq-omitted': expect.anything(),
    });
  });
});
