/** The trace context of whatever comes in: the record at the end of its way carries it, through every process. */
import { randomUUID } from 'node:crypto';
import { Kafka, logLevel, type Producer } from 'kafkajs';
import type { Json, TestSystem } from '../../support/system';
import { externalSource, theSystem } from './system';
import { eventually } from '../../support/eventually';

let its: TestSystem;
let producer: Producer;
beforeAll(async () => {
  its = theSystem();
  const brokers = (its.system.environment['KAFKA_BROKERS'] ?? '').split(',');
  producer = new Kafka({ brokers, logLevel: logLevel.NOTHING }).producer();
  await producer.connect();
});
afterAll(() => producer.disconnect());
afterEach(() => its?.heal());

const newTrace = () => {
  const hex = () => randomUUID().replaceAll('-', '');
  return `00-${hex()}-${hex().slice(0, 16)}-01`;
};
const traceOf = async (topic: string, key: string, at = 0) => {
  const record = await eventually(`record ${at} on ${topic} about ${key}`, () =>
    Promise.resolve(its.topics.of(key, topic)[at]),
  );
  return record.event.traceparent;
};

/** A payment of its own that a token pays, or does not. */
async function paymentWith(token: string, traceparent = newTrace()): Promise<string> {
  const { customer } = await its.buyer(token);
  const request = { customer_id: customer, amount: 1000, currency: 'EUR', reason: 'an extra' };
  return String((await its.call('POST', '/payments', request, undefined, traceparent)).body['id']);
}

/** One that failed, whose customer has a good card by now. @returns the payment and that card */
async function failedPayment(): Promise<{ id: string; customer: string; card: string }> {
  const id = await paymentWith('tok_insufficient_funds');
  await its.topics.next('payments.failed', id);
  const customer = String((await its.get(`/payments/${id}`))['customer_id']);
  const method = { provider: 'sandbox', token: `tok_ok#${randomUUID()}`, default: true };
  const card = await its.made(`/customers/${customer}/payment-methods`, method);
  return { id, customer, card };
}

/** Writes a record as another team's service does. */
async function write(topic: string, key: string, data: Json, traceparent: string): Promise<void> {
  const about = { id: `${key}/${randomUUID()}`, source: externalSource, type: `${topic}.v1`, subject: key };
  const event = { specversion: '1.0', ...about, time: new Date().toISOString(), traceparent, data };
  const headers = { 'content-type': 'application/cloudevents+json' };
  await producer.send({ topic, messages: [{ key, value: JSON.stringify(event), headers }] });
}
const external = { kind: 'external', id: 'erp', reason: null };

/** The provider's webhook about a charge that was pending, signed by it and with a trace of its own. */
async function reportPaid(paymentId: string, traceparent: string): Promise<void> {
  const { Webhook } = await import('standardwebhooks');
  const [secret = ''] = (its.system.environment['SANDBOX_WEBHOOK_SECRETS'] ?? '').split(',');
  const charge = await eventually('the charge', async () => {
    const { data } = (await (await fetch(`${its.system.sandboxUrl}/v1/charges?limit=100`)).json()) as {
      data: { status: string; metadata: { payment_id: string } }[];
    };
    return data.find(({ status, metadata }) => status === 'pending' && metadata.payment_id === paymentId);
  });
  const [id, at] = [`evt_${randomUUID()}`, new Date()];
  const data = { ...charge, status: 'succeeded' };
  const body = JSON.stringify({ id, type: 'charge.succeeded', created_at: at.toISOString(), data });
  const headers = {
    'webhook-id': id,
    'webhook-timestamp': String(Math.floor(at.getTime() / 1_000)),
    'webhook-signature': new Webhook(secret).sign(id, at, body),
    traceparent,
  };
  const answer = await fetch(`${its.system.apiUrl}/webhooks/sandbox`, { method: 'POST', headers, body });
  expect(answer.status).toBe(200);
}

/** Each brings its trace in, and says of which record at the end it is read. */
const waysIn: Record<string, (traceparent: string) => Promise<string | undefined>> = {
  async 'POST /subscriptions'(traceparent) {
    const { order } = await its.buyer('tok_ok');
    const { body } = await its.call('POST', '/subscriptions', order, randomUUID(), traceparent);
    return traceOf('subscriptions.created', String(body['id']));
  },
  async 'DELETE /subscriptions/{id}'(traceparent) {
    const { order } = await its.buyer('tok_ok');
    const id = String((await its.call('POST', '/subscriptions', order, randomUUID())).body['id']);
    await its.call('DELETE', `/subscriptions/${id}`, undefined, undefined, traceparent);
    return traceOf('subscriptions.cancelled', id);
  },
  async 'a creation whose first payment is settled later'(traceparent) {
    await its.control({ hold_webhooks: true });
    const { order } = await its.buyer('tok_pending_then_ok');
    const { body } = await its.call('POST', '/subscriptions', order, randomUUID(), traceparent);
    const id = String(body['id']);
    await its.topics.consumedBy('payment-service', await its.topics.next('subscriptions.created', id));
    await its.control({ hold_webhooks: false });
    await traceOf('payments.completed', id);
    return traceOf('subscriptions.updated', id);
  },
  'POST /payments': async (traceparent) =>
    traceOf('payments.completed', await paymentWith('tok_ok', traceparent)),
  async 'POST /payments/{id}/retry'(traceparent) {
    const { id, card } = await failedPayment();
    const request = { reason: 'she called', payment_method_id: card };
    await its.call('POST', `/payments/${id}/retry`, request, undefined, traceparent);
    return traceOf('payments.completed', id);
  },
  async 'POST /bulk-retries'(traceparent) {
    const failedFrom = new Date().toISOString();
    const { id, customer, card } = await failedPayment();
    // A payment of its own is tried with the method that it names.
    await its.row('UPDATE payments SET payment_method_id = $2 WHERE id = $1', id, card);
    expect(customer).toBeTruthy();
    const filter = { failed_from: failedFrom, categories: ['soft'] };
    const request = { filter, reason: 'an outage', preview: false };
    await its.call('POST', '/bulk-retries', request, undefined, traceparent);
    return traceOf('payments.completed', id);
  },
  async 'POST /webhooks/{provider}'(traceparent) {
    await its.control({ hold_webhooks: true });
    const id = await paymentWith('tok_pending_then_ok');
    await reportPaid(id, traceparent);
    expect(await traceOf('webhooks.received', id)).toBe(traceparent);
    return traceOf('payments.completed', id);
  },
  async 'payments.requested of another producer'(traceparent) {
    const { customer } = await its.buyer('tok_ok');
    const id = `usage-${randomUUID()}`;
    const about = { payment_id: id, customer_id: customer, subscription_id: null };
    const money = { amount: 500, currency: 'EUR', payment_method_id: null, reason: 'usage', actor: external };
    await write('payments.requested', id, { ...about, ...money }, traceparent);
    return traceOf('payments.completed', id);
  },
  async 'payments.retry.requested of another producer'(traceparent) {
    const { id, customer, card } = await failedPayment();
    const about = { payment_id: id, customer_id: customer, subscription_id: null, payment_method_id: card };
    const request = { retry_request_id: `retry-${randomUUID()}`, reason: 'she called', actor: external };
    await write('payments.retry.requested', id, { ...about, ...request }, traceparent);
    return traceOf('payments.completed', id);
  },
  async 'subscriptions.renew_required of another producer'(traceparent) {
    const clock = await its.made('/test-clocks', { now: '2034-01-01T00:00:00Z' });
    const { customer, order } = await its.buyer('tok_ok', clock);
    const id = String((await its.call('POST', '/subscriptions', order, randomUUID())).body['id']);
    // Due, and its announcement is left to the other producer.
    await its.row("UPDATE test_clocks SET now = '2034-02-01T00:00:00Z' WHERE id = $1", clock);
    const due = { period_index: 2, due_at: '2034-02-01T00:00:00Z', cause: 'period_end' };
    const about = { subscription_id: id, customer_id: customer };
    await write('subscriptions.renew_required', id, { ...about, ...due }, traceparent);
    expect(await traceOf('payments.completed', id)).toBe(traceparent);
    return traceOf('subscriptions.updated', id);
  },
};

test.each(Object.entries(waysIn))('I15: %s: the record at the end carries its trace', async (_, comeIn) => {
  const traceparent = newTrace();
  expect(await comeIn(traceparent)).toBe(traceparent);
});

test('I15: a renewal, its failure, its notice, the retries of dunning and its recovery share one trace', async () => {
  const clock = await its.made('/test-clocks', { now: '2034-01-01T00:00:00Z' });
  const { customer, order } = await its.buyer('tok_ok', clock);
  const id = String((await its.call('POST', '/subscriptions', order, randomUUID())).body['id']);
  const cardOf = (token: string) =>
    its.made(`/customers/${customer}/payment-methods`, {
      provider: 'sandbox',
      token: `${token}#${randomUUID()}`,
    });
  const pay = async (token: string) =>
    its.call('PUT', `/subscriptions/${id}`, { payment_method_id: await cardOf(token) });
  await pay('tok_insufficient_funds');
  await its.advance(clock, '2034-02-16T00:00:00Z');
  await its.topicsAreIdle();
  const attempts = its.topics.of(id, 'payments.failed').length;
  expect(attempts).toBeGreaterThan(1);
  await pay('tok_ok');
  await its.advance(clock, '2034-02-26T00:00:00Z');
  await its.topicsAreIdle();
  const announced = await traceOf('subscriptions.renew_required', id);
  const ofTopic = (topic: string, key = id) =>
    its.topics.of(key, topic).map(({ event }) => event.traceparent);
  const traces = [
    ...ofTopic('payments.failed'),
    ...ofTopic('payments.completed'),
    ...ofTopic('notifications.requested', customer),
  ];
  expect(traces.length).toBeGreaterThan(attempts + 1);
  expect(new Set(traces)).toEqual(new Set([announced]));
  // Not those of the changes of the card, which are calls of their own.
  const updates = its.topics.of(id, 'subscriptions.updated').map(({ event }) => {
    const changes = event.data['changes'] as string[];
    return [changes.includes('payment_method_changed'), event.traceparent === announced];
  });
  expect(updates.every(([isCall, isRenewal]) => isCall !== isRenewal)).toBe(true);
});
