/** One order, one subscription, one charge, one event: whatever is repeated, killed or away meanwhile. */
import { randomUUID } from 'node:crypto';
import { Client, Connection } from '@temporalio/client';
import { subscriptionWorkflowId } from '../../contracts/workflows';
import { TestSystem } from '../support/system';
import { eventually } from '../support/eventually';

jest.setTimeout(120_000);

let its: TestSystem;
beforeAll(async () => {
  its = await TestSystem.start(['sandbox', 'api', 'worker', 'bridge']);
});
afterEach(() => its?.heal());
afterAll(() => its?.close());

/** Everything that must have happened once, and nothing more. */
async function expectMadeOnce(subscriptionId: string, customer: string): Promise<void> {
  const charges = await its.charges(customer);
  expect(charges.map(({ status, amount }) => ({ status, amount }))).toEqual([
    { status: 'succeeded', amount: 1000 },
  ]);
  const created = await its.topics.next('subscriptions.created', subscriptionId);
  await its.topics.consumedBy('payment-service', created);
  await its.topicsAreQuiet();
  expect(its.topics.of(subscriptionId).map(({ topic }) => topic)).toEqual(['subscriptions.created']);
  const { data } = await its.get(`/subscriptions?customer_id=${customer}`);
  expect(data).toMatchObject([{ id: subscriptionId, status: 'active' }]);
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

test('workers and API killed between charge and answer: the same POST ends with what was paid', async () => {
  const { customer, order, key } = await its.killBetweenChargeAndAnswer(['api', 'worker']);
  // The killed request's lease of 30 s is waited out.
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
    expect(Date.parse(deadline) - askedMs).toBeGreaterThanOrEqual(30_000);
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
  await its.topicsAreQuiet();
  expect(its.topics.of(id)).toEqual([]);

  const answer = await its.callUntilAnswered(order, key);
  expect(answer).toMatchObject({ status: 201, body: { id, status: 'active' } });
  await expectMadeOnce(id, customer);
});
