import { runGroup, type Handlers, type RunningGroup } from '../../../bridge/consumer/consumer';
import type { KafkaClient } from '../../../bridge/kafka/port';
import { writeEnvelope } from '../../../contracts/topics/envelope';
import { Unprocessable } from '../../../billing/unprocessable';
import { failedPayment, structured, time, useGroups } from '../../support/kafka/consuming';
import { silentLog, type ReadRecord } from '../../support/kafka/fresh-kafka';
import { until } from '../../support/until';
import { someTrace } from '../../support/trace';

const topic = 'payments.failed';

const given = useGroups(2);
let dead: ReadRecord[];
const groups: RunningGroup[] = [];
beforeAll(async () => {
  dead = await given.kafka.read('payment-service.dlq');
});
afterEach(async () => {
  await Promise.all(groups.splice(0).map((group) => group.close()));
});

async function consume(
  handle: (paymentId: string) => Promise<void>,
  appearWithinMs = 60_000,
  client: KafkaClient = given.kafka.client,
): Promise<RunningGroup> {
  const handlers: Handlers = { [topic]: ({ data }) => handle(data.payment_id) };
  const onFatal = (error: Error) => {
    throw error;
  };
  const deps = { kafka: client, db: given.db, log: silentLog, onFatal, limits: { absent: appearWithinMs } };
  const group = await runGroup(deps, 'payment-service', handlers);
  groups.push(group);
  return group;
}

const event = (paymentId: string, subscriptionId = 'sub_1'): string => {
  const data = failedPayment(paymentId, subscriptionId);
  const named = { topic, id: `${paymentId}/1`, subject: paymentId, key: subscriptionId, data } as const;
  return writeEnvelope({ ...named, source: '/payment-service', trace: someTrace }, time);
};
const write = (value: string | Buffer, more: object = {}) =>
  given.producer.send([
    {
      topic,
      partition: 0,
      key: 'sub_1',
      value,
      headers: structured,
      ...more,
    },
  ]);

describe('a consumer group', () => {
  it('hands over each record once it has joined, the earlier ones too, in order', async () => {
    const handled: string[] = [];
    await write(event('pay_order_1'));
    await consume(async (id) => void handled.push(id));
    await write(event('pay_order_2'));
    await until('both were handled', async () => handled.length === 2);
    expect(handled).toEqual(['pay_order_1', 'pay_order_2']);
  });

  it('puts what it cannot read aside, byte for byte, and goes on with the next record', async () => {
    const handled: string[] = [];
    const poison = Buffer.from([0x7b, 0xff, 0xfe, 0x00, 0x7d]);
    const key = Buffer.from([0xc3, 0x28, 0x01]);
    const trace = Buffer.from([0xde, 0xad]);
    const [place] = await write(poison, { key, headers: { trace, many: ['one', 'two'] } });
    await write(event('pay_after_poison'));
    await consume(async (id) => void handled.push(id));
    await until('the next was handled', async () => handled.includes('pay_after_poison'));
    const letter = await until('it is aside', async () => dead[0]);
    expect(letter.message.value).toEqual(poison);
    expect(letter.message.key).toEqual(key);
    expect(letter.message.headers).toMatchObject({ trace, many: [Buffer.from('one'), Buffer.from('two')] });
    const added = Object.entries(letter.message.headers ?? {}).filter(([name]) => name.startsWith('dlq-'));
    expect(Object.fromEntries(added.map(([name, value]) => [name, String(value)]))).toEqual({
      'dlq-group': 'payment-service',
      'dlq-topic': topic,
      'dlq-partition': '0',
      'dlq-offset': place?.offset,
      'dlq-error-code': 'not_a_cloud_event',
      'dlq-error': expect.any(String),
      'dlq-seen-at': expect.stringMatching(/^\d{4}-.*Z$/),
    });
  });

  it('keeps a row of what it puts aside, which a redrive after a fix hands over once more', async () => {
    let isFixed = false;
    const handled: string[] = [];
    await write(event('pay_redriven', 'sub_redriven'), { key: 'sub_redriven' });
    await consume(async (id) => {
      if (id === 'pay_redriven' && !isFixed) throw new Unprocessable('unknown_payment', 'no such payment');
      handled.push(id);
    }, 0);
    const find = () => given.db.deadLetter.findFirst({ where: { key: 'sub_redriven' } });
    const letter = await until('there is a row', async () => (await find()) ?? undefined);
    expect(letter).toMatchObject({
      group: 'payment-service',
      topic,
      event_id: 'pay_redriven/1',
      error_code: 'unknown_payment',
      status: 'open',
    });
    const redrive = () =>
      given.db.deadLetter.update({ where: { id: letter.id }, data: { redrive_requested_at: new Date() } });
    await redrive();
    await until('it failed again', async () => (await find())?.redrive_requested_at === null);
    expect((await find())?.status).toBe('open');
    isFixed = true;
    await redrive();
    await until('it is resolved', async () => (await find())?.status === 'redriven');
    expect(handled).toEqual(['pay_redriven']);
  });

  it('tries a record again until its dead letter is written, before it goes on with the next of its key', async () => {
    const handled: string[] = [];
    let sends = 0;
    const failing: KafkaClient = {
      ...given.kafka.client,
      async producer() {
        const original = await given.kafka.client.producer();
        return {
          ...original,
          async send(records) {
            sends += 1;
            if (sends <= 2) throw new Error('no broker takes the dead letter');
            return original.send(records);
          },
        };
      },
    };
    await write(event('pay_unwritten', 'sub_unwritten'), { key: 'sub_unwritten' });
    await write(event('pay_after_unwritten', 'sub_unwritten'), { key: 'sub_unwritten' });
    const handle = async (id: string) => {
      if (id === 'pay_unwritten') throw new Unprocessable('unknown_payment', 'no such payment');
      handled.push(id);
    };
    await consume(handle, 0, failing);
    await until('the next was handled', async () => handled.includes('pay_after_unwritten'));
    const letters = await given.db.deadLetter.findMany({ where: { key: 'sub_unwritten' } });
    expect(letters).toMatchObject([{ event_id: 'pay_unwritten/1', status: 'open' }]);
    expect(sends).toBe(3);
  });

  it('handles keys side by side, so that one that is stuck holds up no other of its partition', async () => {
    let isDown = true;
    const handled: string[] = [];
    await write(event('pay_stuck', 'sub_stuck'), { key: 'sub_stuck' });
    await write(event('pay_behind', 'sub_stuck'), { key: 'sub_stuck' });
    await write(event('pay_free', 'sub_free'), { key: 'sub_free' });
    await consume(async (id) => {
      if (id === 'pay_stuck' && isDown) throw new Error('the database is away');
      handled.push(id);
    });
    await until('the other key is served', async () => handled.includes('pay_free'));
    expect(handled).not.toContain('pay_behind');
    isDown = false;
    await until('the stuck key, too', async () => handled.includes('pay_behind'));
    expect(handled.filter((id) => id !== 'pay_free')).toEqual(['pay_stuck', 'pay_behind']);
  });

  it('tries a record again in place while something is down, before it goes on', async () => {
    const tried: string[] = [];
    await write(event('pay_down'));
    await write(event('pay_after_down'));
    await consume(async (id) => {
      tried.push(id);
      if (id === 'pay_down' && tried.length < 4) throw new Error('connect ECONNREFUSED');
    });
    await until('both were handled', async () => tried.includes('pay_after_down'));
    expect(tried).toEqual(['pay_down', 'pay_down', 'pay_down', 'pay_down', 'pay_after_down']);
  });

  it('waits for what is not there yet', async () => {
    let tries = 0;
    await write(event('pay_late'));
    const letters = dead.length;
    await consume(async () => {
      tries += 1;
      if (tries < 3) throw new Unprocessable('unknown_payment', 'not yet');
    });
    await until('it was handled', async () => tries === 3);
    expect(dead).toHaveLength(letters);
  });

  it('puts aside what never appears', async () => {
    const handled: string[] = [];
    const letters = dead.length;
    await write(event('pay_never'));
    await write(event('pay_after_never'));
    await consume(async (id) => {
      if (id === 'pay_never') throw new Unprocessable('unknown_payment', 'there is no payment pay_never');
      handled.push(id);
    }, 300);
    await until('the next was handled', async () => handled.includes('pay_after_never'));
    await until('it is aside', async () => dead.length > letters);
    const [letter] = dead.slice(letters);
    expect(letter?.message.value?.toString()).toBe(event('pay_never'));
    expect(letter?.message.headers?.['dlq-error-code']?.toString()).toBe('unknown_payment');
  });

  it('leaves a record that is being tried to the next consumer when it closes', async () => {
    let tries = 0;
    await write(event('pay_closing'));
    const first = await consume(async () => {
      tries += 1;
      throw new Error('the database is away');
    });
    await until('it was tried', async () => tries > 0);
    await first.close();
    groups.length = 0;
    const handled: string[] = [];
    await consume(async (id) => void handled.push(id));
    await until('the next consumer handled it', async () => handled.includes('pay_closing'));
    expect(handled).toEqual(['pay_closing']);
  });

  it('does not hold up a second consumer that joins while a record is being tried', async () => {
    let isDown = true;
    const handled: string[] = [];
    await write(event('pay_rebalanced'));
    const handle = async (id: string) => {
      if (isDown && id === 'pay_rebalanced') throw new Error('the database is away');
      handled.push(id);
    };
    await consume(handle);
    await consume(handle);
    // The second partition reaches one of the two, whoever has it, although the first one is stuck.
    await write(event('pay_elsewhere'), { partition: 1 });
    await until('the other partition is served', async () => handled.includes('pay_elsewhere'));
    isDown = false;
    await until('the stuck one, too', async () => handled.includes('pay_rebalanced'));
  });
});
