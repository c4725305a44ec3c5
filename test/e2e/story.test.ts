/**
 * What callers, the provider and the topics see of a subscription's first minutes, with everything in one process.
 *
 * The provider sends no webhooks here, so outcomes are found by lookups. The first comes after 40 s, since the slowest
 * charge takes 30 s; the orders that wait for it are placed first and looked at last. `webhooks.test.ts` has the other way.
 */
import { randomUUID } from 'node:crypto';
import { TestSystem, type Answer, type Buyer } from '../support/system';
import type { TopicRecord } from '../support/kafka/outside-topics';
import { eventually } from '../support/eventually';

jest.setTimeout(150_000);

const settledWithin = { timeoutMs: 120_000 };

interface Order extends Buyer {
  answer: Promise<Answer>;
}

let its: TestSystem;
const open: Record<string, Order> = {};

beforeAll(async () => {
  its = await TestSystem.start(['sandbox', 'all'], {
    SANDBOX_WEBHOOK_SECRETS: '',
    IDEMPOTENCY_LEASE_SECONDS: '20',
    LOOKUP_AFTER_SECONDS: '40',
  });
  for (const token of [
    'tok_lost_answers_ok',
    'tok_slow_ok',
    'tok_pending_then_fail',
    'tok_pending_then_ok',
  ]) {
    open[token] = await order(token);
  }
});
afterEach(() => its?.heal());
afterAll(() => its?.close());

async function order(token: string): Promise<Order> {
  const buyer = await its.buyer(token);
  const answer = its.call('POST', '/subscriptions', buyer.order, randomUUID());
  // Looked at by a later test.
  answer.catch(() => undefined);
  return { ...buyer, answer };
}

/** An order whose first payment was still open when it was answered. */
async function incomplete(token: string): Promise<{ id: string; paymentId: string; customer: string }> {
  const { answer, customer } = open[token] as Order;
  const { status, body } = await answer;
  expect(status).toBe(202);
  expect(body).toMatchObject({ status: 'incomplete', period: { index: 1, paid: false } });
  const first = body['first_payment'] as { payment_id: string; status: string };
  expect(['processing', 'pending', 'unknown']).toContain(first.status);
  expect(body['open_payment_id']).toBe(first.payment_id);
  return { id: String(body['id']), paymentId: first.payment_id, customer };
}

const typesOf = (records: readonly TopicRecord[]) => records.map(({ topic }) => topic);

test('paid at once: 201 active, and subscriptions.created alone tells of it', async () => {
  const { answer, customer } = await order('tok_ok');
  const { status, headers, body } = await answer;
  expect(status).toBe(201);
  expect(body).toMatchObject({
    status: 'active',
    period: { index: 1, paid: true },
    first_payment: { status: 'completed', amount: 1000, currency: 'EUR' },
  });
  const id = String(body['id']);
  expect(headers.get('location')).toBe(`/subscriptions/${id}`);
  const { event } = await its.topics.next('subscriptions.created', id);
  expect(event).toMatchObject({
    type: 'subscriptions.created.v1',
    source: '/subscription-service',
    data: { subscription: { id, status: 'active' }, first_payment: { status: 'completed' } },
  });
  await its.topicsAreIdle();
  expect(typesOf(its.topics.of(id))).toEqual(['subscriptions.created']);
  expect(await its.charges(customer)).toHaveLength(1);
});

test('declined: 402 with the reason, on no topic, and there is nothing to cancel', async () => {
  const { answer, customer } = await order('tok_insufficient_funds');
  const { status, body } = await answer;
  expect(status).toBe(402);
  expect(body).toMatchObject({
    code: 'payment_declined',
    failure: { category: 'soft', code: 'insufficient_funds' },
  });
  const id = String(body['subscription_id']);
  expect(await its.get(`/subscriptions/${id}`)).toMatchObject({ status: 'expired' });
  expect(await its.charges(customer)).toMatchObject([{ status: 'failed' }]);
  await its.topicsAreIdle();
  expect(its.topics.of(id)).toEqual([]);
  expect(its.topics.of(String(body['payment_id']))).toEqual([]);
  expect(await its.call('DELETE', `/subscriptions/${id}`)).toMatchObject({
    status: 409,
    body: { code: 'subscription_final', reason: 'expired' },
  });
});

test('the first answer lost: the same charge is asked for again, and 201', async () => {
  const { answer, customer } = await order('tok_lost_answer_ok');
  expect(await answer).toMatchObject({ status: 201, body: { status: 'active' } });
  expect(await its.charges(customer)).toHaveLength(1);
});

test('cancelled: 200, one event, nothing open; a second time 200 and unchanged', async () => {
  const { answer } = await order('tok_ok');
  const id = String((await answer).body['id']);
  const first = await its.call('DELETE', `/subscriptions/${id}?reason=moved`);
  expect(first).toMatchObject({ status: 200, body: { id, status: 'cancelled' } });
  const again = await its.call('DELETE', `/subscriptions/${id}?reason=other`);
  expect(again).toMatchObject({ status: 200, body: first.body });
  const { event } = await its.topics.next('subscriptions.cancelled', id);
  expect(event.data).toMatchObject({ mode: 'now', reason: 'moved', refund: null, open_payment_ids: [] });
  await its.topicsAreIdle();
  expect(typesOf(its.topics.of(id)).toSorted()).toEqual(['subscriptions.cancelled', 'subscriptions.created']);
});

test('still open after 10 s: 202, the event carries the open payment, and the payment is announced', async () => {
  for (const token of Object.keys(open)) {
    const { id, paymentId } = await incomplete(token);
    const created = await its.topics.next('subscriptions.created', id);
    const { subscription, first_payment } = created.event.data as Record<string, { status: string }>;
    expect(subscription).toMatchObject({ id, status: 'incomplete', open_payment_id: paymentId });
    expect(first_payment).toMatchObject({ payment_id: paymentId, amount: 1000 });
    expect(['processing', 'pending', 'unknown']).toContain(first_payment?.status);
    await its.topics.consumedBy('payment-service', created);
    const payment = await its.row('SELECT announced FROM payments WHERE id = $1', paymentId);
    expect(payment).toEqual({ announced: true });
    expect(typesOf(its.topics.of(id))).toEqual(['subscriptions.created']);
  }
});

test('cancelled while the first payment is open: the event names it, and a success finds nobody to pay for', async () => {
  for (const token of ['tok_pending_then_fail', 'tok_pending_then_ok']) {
    const { id, paymentId } = await incomplete(token);
    const answer = await its.call('DELETE', `/subscriptions/${id}`);
    expect(answer).toMatchObject({ status: 200, body: { status: 'cancelled', open_payment_id: null } });
    const cancelled = await its.topics.next('subscriptions.cancelled', id);
    expect(cancelled.event.data).toMatchObject({ open_payment_ids: [paymentId] });
    await its.topics.consumedBy('payment-service', cancelled);
  }
});

test('the one process killed between charge and answer: the same POST ends with what was paid', async () => {
  const { customer, order, key } = await its.killBetweenChargeAndAnswer(['all']);
  const answer = await its.callUntilAnswered(order, key);
  expect(answer.refused).toContain('idempotency_key_in_flight');
  expect(answer).toMatchObject({ status: 201, body: { status: 'active' } });
  const id = String(answer.body['id']);
  expect(await its.charges(customer)).toMatchObject([{ status: 'succeeded' }]);
  await its.topics.consumedBy('payment-service', await its.topics.next('subscriptions.created', id));
  await its.topicsAreIdle();
  expect(typesOf(its.topics.of(id))).toEqual(['subscriptions.created']);
});

test.each(['tok_slow_ok', 'tok_lost_answers_ok'])(
  'the provider’s word found later makes it active, and is on the topics (%s)',
  async (token) => {
    const { id, paymentId, customer } = await incomplete(token);
    const completed = await its.topics.next('payments.completed', id, settledWithin.timeoutMs);
    expect(completed.event.data).toMatchObject({
      payment_id: paymentId,
      kind: 'first',
      attempt: 1,
      settled_by: 'lookup',
    });
    const updated = await its.topics.next('subscriptions.updated', id);
    expect(updated.event.data).toMatchObject({
      changes: ['activated'],
      previous: { status: 'incomplete', open_payment_id: paymentId },
      subscription: { status: 'active', open_payment_id: null, period: { paid: true } },
    });
    expect(await its.get(`/subscriptions/${id}`)).toMatchObject({ status: 'active' });
    expect(await its.get(`/payments/${paymentId}`)).toMatchObject({ status: 'completed' });
    expect(await its.charges(customer)).toMatchObject([{ status: 'succeeded', amount: 1000 }]);
    await its.topicsAreIdle();
    expect(typesOf(its.topics.of(id)).toSorted()).toEqual([
      'payments.completed',
      'subscriptions.created',
      'subscriptions.updated',
    ]);
  },
);

test('the open payment of a cancelled subscription ends cancelled when its attempt fails', async () => {
  const { id, paymentId, customer } = await incomplete('tok_pending_then_fail');
  await eventually(
    'the payment to be cancelled',
    async () => (await its.get(`/payments/${paymentId}`))['status'] === 'cancelled',
    settledWithin,
  );
  expect(await its.charges(customer)).toMatchObject([{ status: 'failed' }]);
  expect(await its.get(`/subscriptions/${id}`)).toMatchObject({ status: 'cancelled' });
  await its.topicsAreIdle();
  expect(its.topics.of(id, 'payments.completed')).toEqual([]);
});

test('money taken for a cancelled subscription revives nothing, goes back, and is shown to a person', async () => {
  const { id, paymentId, customer } = await incomplete('tok_pending_then_ok');
  const task = await eventually(
    'a task for a person',
    () => its.row('SELECT kind FROM operator_tasks WHERE subject_id = $1', paymentId),
    settledWithin,
  );
  expect(task).toEqual({ kind: 'second_success' });
  expect(await its.charges(customer)).toMatchObject([{ status: 'succeeded', amount: 1000 }]);
  await eventually(
    'the payment to be refunded',
    async () => (await its.get(`/payments/${paymentId}`))['status'] === 'refunded',
    settledWithin,
  );
  expect(await its.get(`/payments/${paymentId}`)).toMatchObject({ refunded_amount: 1000 });
  expect(await its.refunds(customer)).toMatchObject([{ amount: 1000, status: 'succeeded' }]);
  expect(await its.get(`/subscriptions/${id}`)).toMatchObject({ status: 'cancelled' });
});

test('SIGTERM with a request in flight: it is answered, and the process exits with 0', async () => {
  await its.control({ latency_ms: 1_500 });
  const { answer, customer } = await order('tok_ok');
  await eventually('the attempt', () =>
    its.row(`SELECT 1 AS one FROM payments WHERE customer_id = $1 AND status = 'processing'`, customer),
  );
  const all = its.system.product('all');
  const { exited } = all;
  await all.kill('SIGTERM');
  expect(await exited).toEqual({ code: 0, signal: null });
  expect(await answer).toMatchObject({ status: 201, body: { status: 'active' } });
  expect(its.crashed).toEqual([]);
});
