/** What kafkajs does to a consumer now and then, and throws nothing. */
import { once } from 'node:events';
import { createRequire } from 'node:module';
import { pino } from 'pino';
import { consume } from '../../../bridge/kafka/kafkajs-lasting-consumer';
import type { RecordConsumer, RecordProducer } from '../../../bridge/kafka/port';
import { freshKafka, type FreshKafka } from '../../support/kafka/fresh-kafka';
import { until } from '../../support/until';

type Send = (this: object, request: { request: { apiName: string } }) => Promise<unknown>;
const { prototype } = createRequire(__filename)('kafkajs/src/network/connection') as {
  prototype: { send: Send };
};
const topic = 'subscriptions.updated';

let kafka: FreshKafka;
let producer: RecordProducer;
let consumer: RecordConsumer;
/** Records that are put down the first time, when they are begun. */
const begun: string[] = [];
const seen: string[] = [];
const fatal: Error[] = [];
const logged: string[] = [];
beforeAll(async () => {
  kafka = await freshKafka();
  producer = await kafka.client.producer();
  const handle = async ({ key }: { key: Buffer | null }, signal: AbortSignal) => {
    if (String(key) === 'put down' && begun.push('put down') === 1) {
      await once(signal, 'abort');
      return false;
    }
    return seen.push(String(key)) > 0;
  };
  const onFatal = (error: Error) => void fatal.push(error);
  const log = pino(
    {},
    { write: (line: string) => void logged.push((JSON.parse(line) as { msg: string }).msg) },
  );
  consumer = await consume(
    kafka.plain,
    { group: 'analytics-service', topics: [topic], handle, onFatal },
    log,
    { silentMs: 4_000 },
  );
});
afterAll(async () => {
  await consumer.close();
  await producer.close();
  await kafka.end();
});
afterEach(() => jest.restoreAllMocks());

/** From now on each connection that asks for records is never answered; those that are made later are. */
function neverAnswerFetches(): { asked: number } {
  const count = { asked: 0 };
  const deaf = new WeakSet<object>();
  const { send } = prototype;
  let isOver = false;
  jest.spyOn(prototype, 'send').mockImplementation(function (this: object, request) {
    if (request.request.apiName !== 'Fetch') return send.call(this, request);
    if (!isOver) deaf.add(this);
    isOver = true;
    if (!deaf.has(this)) return send.call(this, request);
    count.asked += 1;
    return new Promise(() => undefined);
  });
  return count;
}

const write = (key: string) => producer.send([{ topic, partition: 0, key, value: '{}', headers: {} }]);

/** As a broker answers that has been started again: once not as coordinator, then not at all while joining. */
function refuseToJoinOnce(): { joinings: number } {
  const count = { joinings: 0 };
  const { send } = prototype;
  let heartbeats = 0;
  jest.spyOn(prototype, 'send').mockImplementation(async function (this: object, request) {
    const { apiName } = request.request;
    if (apiName === 'Heartbeat' && (heartbeats += 1) === 1) {
      throw Object.assign(new Error('not the coordinator'), { type: 'NOT_COORDINATOR_FOR_GROUP' });
    }
    if (apiName === 'JoinGroup' && (count.joinings += 1) === 1) throw new Error('closed connection');
    return send.call(this, request);
  });
  return count;
}

/** As kafkajs fails that cannot make sense of an answer: each time, and for good. */
function neverDecodeFetches(): void {
  const { send } = prototype;
  jest.spyOn(prototype, 'send').mockImplementation(function (this: object, request) {
    if (request.request.apiName !== 'Fetch') return send.call(this, request);
    return Promise.reject(new RangeError('not readable'));
  });
}

it('that was to join again and could not goes on with the membership that it has', async () => {
  await write('put down');
  await until('a record is in hand', async () => begun.length > 0);
  const refused = refuseToJoinOnce();
  await until('it was to join again', async () => refused.joinings > 0);
  await until('what was put down is handled', async () => seen.includes('put down'), 20_000);
  await write('next');
  await until('the next is handled', async () => seen.includes('next'), 20_000);
  expect(fatal).toEqual([]);
}, 60_000);

it('that waits for an answer that never comes is left behind, and what came meanwhile is handled', async () => {
  await write('before');
  await until('the first is handled', async () => seen.includes('before'));
  const deaf = neverAnswerFetches();
  await until('it waits', async () => deaf.asked > 0);
  await write('meanwhile');
  await until('the other is handled', async () => seen.includes('meanwhile'), 60_000);
  expect(logged.filter((line) => line.includes('consumer stalled, restarting'))).toHaveLength(1);
  expect(fatal).toEqual([]);
}, 90_000);

it('R1: that crashes soon after each joining is given up', async () => {
  neverDecodeFetches();
  await until('the process is to end', async () => fatal.length > 0, 60_000);
  expect(String(fatal[0]?.cause)).toContain('not readable');
  expect(logged.filter((line) => line === 'consumer crashed').length).toBeGreaterThan(2);
}, 90_000);
