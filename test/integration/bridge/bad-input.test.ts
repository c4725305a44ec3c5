import { Client, Connection } from '@temporalio/client';
import { attemptPayment } from '../../../billing/payment/attempt';
import { analyticsServiceHandlers } from '../../../bridge/consumers/analytics-service';
import { retryServiceHandlers } from '../../../bridge/consumers/retry-service';
import { subscriptionServiceHandlers } from '../../../bridge/consumers/subscription-service';
import type { OutgoingRecord, RecordProducer } from '../../../bridge/kafka/port';
import { applyFirstPayment } from '../../../billing/subscription/first-payment';
import { Unprocessable } from '../../../billing/unprocessable';
import { writeEnvelope } from '../../../contracts/topics/envelope';
import type { EventData } from '../../../contracts/topics/events';
import type { ConsumerGroup } from '../../../contracts/topics/topics';
import { consuming, sendAll, structured, time, type Consuming } from '../../support/kafka/consuming';
import { completed, declined, openBilling, type TestBilling } from '../../support/billing';
import { nothingOutside } from '../../support/outside';
import { subscriptionUpdated, writeFirstVersions } from '../../support/kafka/subscription-records';
import { freshKafka, type FreshKafka } from '../../support/kafka/fresh-kafka';
import { until } from '../../support/until';
import { WorkflowClient } from '../../../temporal/client';
import { someTrace } from '../../support/trace';

type Completed = EventData<'payments.completed'>;
type Failed = EventData<'payments.failed'>;

let given: TestBilling;
let connection: Connection;
let client: WorkflowClient;
let kafka: FreshKafka;
let groups: Consuming;
let producer: RecordProducer;
/** What is true of a payment that completed, and of one that failed, in our rows. */
let paid: Completed;
let unpaid: Failed;
beforeAll(async () => {
  connection = await Connection.connect({ address: process.env['TEST_TEMPORAL_ADDRESS'] });
  client = new WorkflowClient(new Client({ connection }));
  [given, kafka] = await Promise.all([openBilling(), freshKafka(1)]);
  producer = await kafka.client.producer();
  groups = await consuming(kafka, given.db);
  paid = await settled('sub_paid', completed, 'payments.completed');
  unpaid = await settled('sub_unpaid', declined, 'payments.failed');
  await writeFirstVersions(given.db, ['sub_1970', 'sub_epoch'], time);
  const limits = { absent: 1_000 };
  await groups.start(subscriptionServiceHandlers({ db: given.db, client, times: { incompleteHours: 23 } }), {
    group: 'subscription-service',
    limits,
  });
  const retry = { db: given.db, client, times: { incompleteHours: 23 }, external: nothingOutside };
  await groups.start(retryServiceHandlers(retry), { group: 'retry-service', limits });
  await groups.start(analyticsServiceHandlers(given.db), { group: 'analytics-service', limits });
});
afterAll(async () => {
  await groups.closeGroups();
  await groups.end();
  await producer.close();
  await Promise.all([kafka.end(), given.end(), connection.close()]);
});

/** The event that was written about the first payment of a new subscription. */
async function settled<T extends 'payments.completed' | 'payments.failed'>(
  subscription_id: string,
  outcome: typeof completed,
  topic: T,
): Promise<EventData<T>> {
  const { paymentId } = await given.begun({ subscription_id });
  // Announced: its outcome is an event.
  await given.db.payment.update({ where: { id: paymentId }, data: { announced: true } });
  given.provider.charges = [outcome];
  await attemptPayment(given, { payment_id: paymentId, number: 1, trigger: 'first' });
  await applyFirstPayment(given.db, subscription_id);
  const { payload } = await given.db.outboxEvent.findFirstOrThrow({ where: { subject: paymentId, topic } });
  return (JSON.parse(payload ?? '{}') as { data: EventData<T> }).data;
}

function recordOf<T extends 'payments.completed' | 'payments.failed'>(
  topic: T,
  data: EventData<T>,
  at = time,
) {
  const key = data.subscription_id ?? data.payment_id;
  const id = `${data.payment_id}/attempt/${data.attempt}`;
  const about = { id, source: '/payment-service', subject: id, key, trace: someTrace } as const;
  const value = writeEnvelope({ topic, ...about, data }, at);
  return { topic, key, value, headers: structured } satisfies OutgoingRecord;
}
const truth = () => recordOf('payments.completed', paid);
const reported = (more: Partial<Completed>) => recordOf('payments.completed', { ...paid, ...more });
const reportedFailed = (more: Partial<Failed>) => recordOf('payments.failed', { ...unpaid, ...more });
const edited = (edit: (json: string) => string) => ({ ...truth(), value: edit(truth().value) });

const groupOf: Record<string, ConsumerGroup> = {
  'payments.completed': 'subscription-service',
  'payments.failed': 'retry-service',
  'subscriptions.updated': 'analytics-service',
};

/** Writes the record and one behind it that is fine; waits until both are dealt with. */
async function codeOf(record: OutgoingRecord): Promise<string> {
  const group = groupOf[record.topic] as ConsumerGroup;
  const [place] = await producer.send([record]);
  const after = record.topic === 'payments.failed' ? reportedFailed({}) : truth();
  const [last] = record.topic === 'subscriptions.updated' ? [place] : await producer.send([after]);
  const end = Number(last?.offset) + 1;
  await until('all is committed', async () => (await groups.committed(group, record.topic, 0)) === end);
  const letters = await given.db.deadLetter.findMany({
    where: { group, offset: { gte: BigInt(place?.offset ?? 0) } },
  });
  expect(letters.filter(({ offset }) => offset.toString() !== place?.offset)).toEqual([]);
  return letters[0]?.error_code ?? 'accepted';
}

describe('a record', () => {
  it.each<[string, () => OutgoingRecord, string]>([
    ['that is true', truth, 'accepted'],
    ['that is true, of a failure', () => reportedFailed({}), 'accepted'],
    [
      'that is not UTF-8',
      () => ({ ...truth(), value: Buffer.from(truth().value.replace('sandbox', 'é'), 'latin1') }),
      'not_a_cloud_event',
    ],
    ['that is not JSON', () => ({ ...truth(), value: 'not json' }), 'not_a_cloud_event'],
    ['with an empty value', () => ({ ...truth(), value: '' }), 'not_a_cloud_event'],
    ['without a value', () => ({ ...truth(), value: null }), 'not_a_cloud_event'],
    [
      'of nested arrays, a megabyte',
      () => ({ ...truth(), value: '['.repeat(500_000) + ']'.repeat(500_000) }),
      'not_a_cloud_event',
    ],
    [
      'of nested objects, half a megabyte',
      () => ({ ...truth(), value: '{"a":'.repeat(80_000) + '1' + '}'.repeat(80_000) }),
      'not_a_cloud_event',
    ],
    [
      'of an unknown major version',
      () => edited((json) => json.replace('completed.v1"', 'completed.v2"')),
      'unknown_type',
    ],
    [
      'of another topic',
      () => edited((json) => json.replace('payments.completed.v1"', 'payments.failed.v1"')),
      'unknown_type',
    ],
    [
      'with unknown fields',
      () => edited((json) => json.replace('"data":{', '"later":1,"data":{"later":{"a":[1]},')),
      'accepted',
    ],
    [
      'with headers named as what every object has',
      () => ({ ...truth(), headers: { ...structured, toString: 'x', constructor: 'y', ['__proto__']: 'z' } }),
      'accepted',
    ],
    ['without a field', () => edited((json) => json.replace('"currency":"EUR",', '')), 'invalid_data'],
    ['without an id', () => edited((json) => json.replace(/"id":"[^"]*",/, '')), 'not_a_cloud_event'],
    ['with a key of another subscription', () => ({ ...truth(), key: 'sub_other' }), 'key_mismatch'],
    ['without a key', () => ({ ...truth(), key: null }), 'key_mismatch'],
    ['about a payment that nobody knows', () => reported({ payment_id: 'pay_nobody' }), 'unknown_payment'],
    [
      'about a failed payment that nobody knows',
      () => reportedFailed({ payment_id: 'pay_nobody' }),
      'unknown_payment',
    ],
    ['about an attempt that nobody made', () => reported({ attempt: 2 }), 'contradicts_payment'],
    ['with another amount than ours', () => reported({ amount: paid.amount + 1 }), 'contradicts_payment'],
    [
      'of a failure with another amount than ours',
      () => reportedFailed({ amount: 1 }),
      'contradicts_payment',
    ],
    ['with another currency than ours', () => reported({ currency: 'USD' }), 'contradicts_payment'],
    ['with another customer than ours', () => reported({ customer_id: 'cus_2' }), 'contradicts_payment'],
    ['that says completed of what failed', () => reported({ ...unpaid }), 'contradicts_payment'],
    [
      'that says failed of what completed',
      () => reportedFailed({ ...paid, failure: unpaid.failure }),
      'contradicts_payment',
    ],
    [
      'with another decline than ours',
      () => reportedFailed({ failure: { ...unpaid.failure, code: 'stolen_or_lost' } }),
      'contradicts_payment',
    ],
    ['from the year 1970', () => recordOf('payments.completed', paid, new Date(0)), 'accepted'],
    [
      'from the year 1970 about a subscription',
      () => subscriptionUpdated('sub_1970', 1, new Date(0)),
      'accepted',
    ],
  ])('%s', async (_, record, wanted) => {
    expect(await codeOf(record())).toBe(wanted);
  });

  it('that Kafka itself dates 1970 is handled like any other', async () => {
    const plain = kafka.plain.producer();
    await plain.connect();
    const { topic, ...message } = subscriptionUpdated('sub_epoch', 1, time);
    await plain.send({ topic, messages: [{ ...message, headers: structured, timestamp: '0' }] });
    await plain.disconnect();
    await until('its row is there', async () => {
      return (await given.db.subscriptionRevenue.count({ where: { subscription_id: 'sub_epoch' } })) === 1;
    });
  });
});

describe('a thousand records with a poison one among them', () => {
  it('are all handled but one, which is kept with its origin and handled after a fix', async () => {
    await groups.closeGroups();
    let isFixed = false;
    const handled = new Map<string, number>();
    const handlers = {
      'subscriptions.updated': async ({ data }: { data: EventData<'subscriptions.updated'> }) => {
        const { id } = data.subscription;
        if (id === 'sub_700' && !isFixed)
          throw new Unprocessable('unknown_subscription', 'a mistake of ours');
        handled.set(id, (handled.get(id) ?? 0) + 1);
      },
    };
    await groups.start(handlers, { group: 'analytics-service', limits: { absent: 0 } });
    const records = Array.from({ length: 1_000 }, (_, at) => subscriptionUpdated(`sub_${at}`, 1, time));
    await sendAll(producer, records);
    await until('all others are handled', async () => handled.size === 999);
    const open = { group: 'analytics-service', status: 'open' };
    const letter = await until('it is kept', () => given.db.deadLetter.findFirst({ where: open }));
    expect(letter).toMatchObject({
      topic: 'subscriptions.updated',
      key: 'sub_700',
      error_code: 'unknown_subscription',
      error: 'a mistake of ours',
    });
    expect(await given.db.deadLetter.count({ where: open })).toBe(1);
    isFixed = true;
    await given.db.deadLetter.update({
      where: { id: letter.id },
      data: { redrive_requested_at: new Date() },
    });
    await until('it is handled', async () => handled.get('sub_700') === 1);
    await until('that is noted', async () => (await given.db.deadLetter.count({ where: open })) === 0);
    expect([...handled.values()].filter((times) => times !== 1)).toEqual([]);
  });
});
