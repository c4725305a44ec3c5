/** Every consumer group reads everything again, and nothing is other than before; how long they may. */
import { randomUUID } from 'node:crypto';
import { ConfigResourceTypes } from 'kafkajs';
import { provisionedTopics, topicNames } from '../../contracts/topics/topics';
import { openChaos, type Chaos } from '../chaos/context';
import { makeEventWriter } from '../chaos/outbox-traffic';
import { makePoisoner } from '../chaos/poison';
import { untilIdle } from '../chaos/quiet';
import { randomFrom } from '../chaos/random';
import { rewindAll } from '../chaos/rewind';
import { topicEnds } from '../chaos/topic-dump';
import { eventually } from '../support/eventually';
import { TestSystem } from '../support/system';

jest.setTimeout(600_000);

const settledWithinMs = 240_000;

let its: TestSystem;
let chaos: Chaos;
beforeAll(async () => {
  its = await TestSystem.start(['sandbox', 'api', 'worker', 'bridge']);
  chaos = await openChaos(its, randomFrom(1), [], () => undefined);
});
afterAll(async () => {
  await chaos?.close();
  await its?.close();
});

async function order(token: string): Promise<string> {
  const { order } = await its.buyer(token);
  const { body } = await its.callUntilAnswered(order, randomUUID());
  return String(body['id'] ?? body['subscription_id']);
}

/** A renewal fails, its customer is told, and the retry that was planned takes the money. */
async function renewAfterFailure(): Promise<void> {
  const clock = await its.made('/test-clocks', { now: '2031-01-01T12:00:00Z' });
  const { order } = await its.buyer('tok_ok_then_fail_1', clock);
  const { body } = await its.callUntilAnswered(order, randomUUID());
  await its.advance(clock, '2031-02-20T12:00:00Z');
  const { status } = await its.get(`/subscriptions/${String(body['id'])}`);
  expect(status).toBe('active');
}

/** A payment without a subscription is declined, and taken when somebody asks for it again. */
async function payOnceAsked(): Promise<void> {
  const { customer } = await its.buyer('tok_fail_1_then_ok');
  const request = { customer_id: customer, amount: 500, currency: 'EUR', reason: 'an extra' };
  const { body } = await its.call('POST', '/payments', request);
  const path = `/payments/${String(body['id'])}`;
  const becomes = (status: string) =>
    eventually(`the payment to be ${status}`, async () => (await its.get(path))['status'] === status);
  await becomes('failed');
  expect((await its.call('POST', `${path}/retry`, { reason: 'there is money now' })).status).toBe(202);
  await becomes('completed');
}

/** Orders that are paid, declined, settled later, cancelled, cancelled while open. */
async function orderAndCancel(): Promise<void> {
  const tokens = [
    'tok_ok',
    'tok_ok',
    'tok_insufficient_funds',
    'tok_pending_then_ok',
    'tok_pending_then_fail',
  ];
  const [, cancelled] = await Promise.all(tokens.map(order));
  // Its payment stays open until it is cancelled.
  await its.control({ hold_webhooks: true });
  const cancelledOpen = await order('tok_pending_then_fail');
  for (const id of [cancelled, cancelledOpen]) {
    expect((await its.call('DELETE', `/subscriptions/${id}`)).status).toBe(200);
  }
  await its.control({ hold_webhooks: false });
}

/** Of everything that the groups make something of. */
async function live(): Promise<void> {
  await Promise.all([renewAfterFailure(), payOnceAsked(), orderAndCancel()]);
  const random = chaos.random.fork('load');
  const write = makeEventWriter(chaos, random);
  const poison = makePoisoner(chaos, random);
  for (let times = 0; times < 3; times += 1) {
    await write();
    await poison();
  }
  await untilIdle(chaos, settledWithinMs);
}

test('every group set back to offset 0: no row of any table differs, no event is new, no process started', async () => {
  await live();
  // Every topic of the contract has records, so every consumer reads some again.
  const ends = await topicEnds(chaos.admin, topicNames);
  expect(new Set(ends.filter(({ end }) => end > 0).map(({ topic }) => topic))).toEqual(new Set(topicNames));
  const { records, changes } = await rewindAll(chaos, settledWithinMs);
  expect(changes).toEqual([]);
  expect(records).toBeGreaterThan(60);
  expect(its.crashed).toEqual([]);
});

test('topics are kept for a week; one that is kept for less makes the system not ready', async () => {
  const resource = (name: string) => ({ type: ConfigResourceTypes.TOPIC, name });
  const { resources } = await chaos.admin.describeConfigs({
    includeSynonyms: false,
    resources: provisionedTopics().map(resource),
  });
  const kept = resources.map(({ configEntries }) =>
    ['retention.ms', 'cleanup.policy'].map(
      (name) => configEntries.find(({ configName }) => configName === name)?.configValue,
    ),
  );
  expect(kept).toEqual(provisionedTopics().map(() => ['604800000', 'delete']));

  const keep = async (value: string): Promise<void> => {
    const configEntries = [{ name: 'retention.ms', value }];
    const topic = { ...resource('webhooks.received'), configEntries };
    await chaos.admin.alterConfigs({ validateOnly: false, resources: [topic] });
  };
  await keep('86400000');
  const { status, body } = await its.call('GET', '/readyz');
  expect(status).toBe(503);
  expect(body['parts']).toContainEqual({
    name: 'topics',
    state: 'down',
    reason: 'topics keep records for less than 7 days: webhooks.received',
  });
  await keep('604800000');
  await its.untilReady();
});
