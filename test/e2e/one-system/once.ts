/** One order, one subscription, one charge, one event: whatever is repeated, stopped, killed or away meanwhile. */
import { randomUUID } from 'node:crypto';
import { Client, Connection } from '@temporalio/client';
import { subscriptionWorkflowId } from '../../../contracts/workflows/workflows';
import type { Answer, TestSystem } from '../../support/system';
import { creationAcceptSeconds, theSystem } from './system';
import { eventually } from '../../support/eventually';

let its: TestSystem;
beforeAll(() => {
  its = theSystem();
});
afterEach(() => its?.heal());

/** Everything that must have happened once, and nothing more. */
async function expectMadeOnce(subscriptionId: string, customer: string): Promise<void> {
  const charges = await its.charges(customer);
  expect(charges.map(({ status, amount }) => ({ status, amount }))).toEqual([
    { status: 'succeeded', amount: 1000 },
  ]);
  const created = await its.topics.next('subscriptions.created', subscriptionId);
  await its.topics.consumedBy('payment-service', created);
  await its.topicsAreIdle();
  expect(its.topics.of(subscriptionId).map(({ topic }) => topic)).toEqual(['subscriptions.created']);
  const { data } = await its.get(`/subscriptions?customer_id=${customer}`);
  expect(data).toMatchObject([{ id: subscriptionId, status: 'active' }]);
}

/** An order that is being charged at this moment. */
async function orderInFlight(): Promise<{ customer: string; answer: Promise<Answer> }> {
  const { customer, order } = await its.buyer('tok_ok');
  await its.control({ latency_ms: 1_500 });
  const answer = its.call('POST', '/subscriptions', order, randomUUID());
  answer.catch(() => undefined);
  await eventually('the attempt', () =>
    its.row(`SELECT 1 AS one FROM payments WHERE customer_id = $1 AND status = 'processing'`, customer),
  );
  return { customer, answer };
}

async function buy(): Promise<string> {
  const { order } = await its.buyer('tok_ok');
  const answer = await its.call('POST', '/subscriptions', order);
  expect(answer).toMatchObject({ status: 201, body: { status: 'active' } });
  return String(answer.body['id']);
}

test('the same POST 20 times at once makes one subscription, one charge and one event', async () => {
  const { customer, order } = await its.buyer('tok_ok');
  const key = randomUUID();
  const answers = await Promise.all(Array.from({ length: 20 }, () => its.callUntilAnswered(order, key)));
  expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([201]));
  const ids = new Set(answers.map(({ body }) => String(body['id'])));
  expect(ids.size).toBe(1);
  await expectMadeOnce([...ids][0] ?? '', customer);
});

describe('SIGTERM with a request in flight', () => {
  // Without the provider or its worker an answer may honestly be "still open".
  test.each([
    ['api', [201]],
    ['bridge', [201]],
    ['worker', [201, 202]],
    ['sandbox', [201, 202]],
  ])('%s exits with 0; the request is answered, and charged once', async (name, statuses) => {
    const { customer, answer } = await orderInFlight();
    const process = its.system.product(name);
    const { exited } = process;
    await process.kill('SIGTERM');
    expect(await exited).toEqual({ code: 0, signal: null });
    await its.startAgain(name);
    const { status, body } = await answer;
    expect(statuses).toContain(status);
    const id = String(body['id']);
    await eventually('the subscription to be active', async () => {
      return (await its.get(`/subscriptions/${id}`))['status'] === 'active';
    });
    expect(await its.charges(customer)).toMatchObject([{ status: 'succeeded' }]);
    await its.topics.next('subscriptions.created', id);
    expect(its.crashed).toEqual([]);
  });
});

test('Kafka away: not ready and says so, reads and orders go on, the events come when it is back', async () => {
  const known = await buy();
  const { kafka } = its.system.platform;
  await kafka.stop();
  await its.untilDown('kafka');
  expect(await its.get(`/subscriptions/${known}`)).toMatchObject({ status: 'active' });
  const id = await buy();
  await kafka.start();
  await its.untilReady();
  const created = await its.topics.next('subscriptions.created', id);
  await its.topics.consumedBy('payment-service', created);
  await its.topicsAreIdle();
  expect(its.topics.of(id)).toHaveLength(1);
  expect(its.crashed).toEqual([]);
});

test('PostgreSQL away: 503 as a problem, nothing half done, and all goes on when it is back', async () => {
  const { customer, order } = await its.buyer('tok_ok');
  const key = randomUUID();
  const { postgres } = its.system.platform;
  await postgres.stop();
  const refusal = await its.call('POST', '/subscriptions', order, key);
  expect(refusal).toMatchObject({ status: 503, body: { status: 503, code: 'unavailable' } });
  expect(refusal.headers.get('content-type')).toMatch(/^application\/problem\+json/);
  expect(Number(refusal.headers.get('retry-after'))).toBeGreaterThan(0);
  expect(JSON.stringify(refusal.body)).not.toMatch(/postgresql:|prisma|ECONN|\bat /i);
  await its.untilDown('postgres');
  await postgres.start();
  await its.untilReady();
  const answer = await its.callUntilAnswered(order, key);
  expect(answer).toMatchObject({ status: 201, body: { status: 'active' } });
  expect(await its.charges(customer)).toHaveLength(1);
  await its.topics.next('subscriptions.created', String(answer.body['id']));
  expect(its.crashed).toEqual([]);
});

test('Temporal away: 503 that names the subscription, reads go on, and the same POST works when it is back', async () => {
  const known = await buy();
  const { customer, order } = await its.buyer('tok_ok');
  const key = randomUUID();
  const { temporal } = its.system.platform;
  await temporal.stop();
  const refusal = await its.call('POST', '/subscriptions', order, key);
  expect(refusal).toMatchObject({ status: 503, body: { code: 'unavailable' } });
  const id = String(refusal.body['subscription_id']);
  await its.untilDown('temporal');
  expect(await its.get(`/subscriptions/${known}`)).toMatchObject({ status: 'active' });
  await temporal.start();
  await its.untilReady();
  const answer = await its.callUntilAnswered(order, key);
  expect(answer).toMatchObject({ status: 201, body: { id, status: 'active' } });
  expect(await its.charges(customer)).toHaveLength(1);
  expect(its.crashed).toEqual([]);
});

test('workers and API killed between charge and answer: the same POST ends with what was paid', async () => {
  const { customer, order, key } = await its.killBetweenChargeAndAnswer(['api', 'worker']);
  // The killed request's lease is waited out.
  const answer = await its.callUntilAnswered(order, key);
  expect(answer.refused).toContain('idempotency_key_in_flight');
  expect(answer).toMatchObject({ status: 201, body: { status: 'active', first_payment: { amount: 1000 } } });
  await expectMadeOnce(String(answer.body['id']), customer);
});

/** Until when the process may create what it was asked for, as it was told. */
async function acceptBy(client: Client, workflowId: string): Promise<string> {
  const { events } = await client.workflow.getHandle(workflowId).fetchHistory();
  const data = events?.[0]?.workflowExecutionStartedEventAttributes?.input?.payloads?.[0]?.data;
  const input = JSON.parse(Buffer.from(data ?? []).toString()) as { creation: { accept_by: string } };
  return input.creation.accept_by;
}

test('no worker for longer than an order holds: 503, then nothing of it, and the same POST works later', async () => {
  const { customer, order } = await its.buyer('tok_ok');
  const key = randomUUID();
  const worker = its.system.product('worker');
  await worker.stop();
  const askedMs = Date.now();
  const refusal = await its.call('POST', '/subscriptions', order, key);
  expect(refusal).toMatchObject({ status: 503, body: { code: 'unavailable' } });
  expect(Number(refusal.headers.get('retry-after'))).toBeGreaterThan(0);
  const id = String(refusal.body['subscription_id']);

  const connection = await Connection.connect({ address: its.system.environment['TEMPORAL_ADDRESS'] });
  try {
    const client = new Client({ connection });
    const workflowId = subscriptionWorkflowId(id);
    const deadline = await acceptBy(client, workflowId);
    expect(Date.parse(deadline) - askedMs).toBeGreaterThanOrEqual(creationAcceptSeconds * 1_000);
    await eventually('the order to lapse', async () => {
      return (await its.row<{ lapsed: boolean }>('SELECT now() > $1::timestamptz AS lapsed', deadline))
        ?.lapsed;
    });
    await worker.start();
    await eventually('the process to end', async () => {
      return (await client.workflow.getHandle(workflowId).describe()).status.name === 'COMPLETED';
    });
  } finally {
    await connection.close();
  }
  expect((await its.call('GET', `/subscriptions/${id}`)).status).toBe(404);
  expect(await its.charges(customer)).toEqual([]);
  await its.topicsAreIdle();
  expect(its.topics.of(id)).toEqual([]);

  const answer = await its.callUntilAnswered(order, key);
  expect(answer).toMatchObject({ status: 201, body: { id, status: 'active' } });
  await expectMadeOnce(id, customer);
});
