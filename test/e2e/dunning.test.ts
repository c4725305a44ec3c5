/** Failed renewals on the whole system, by test clock: retries as the policy says, recovery, and the end of grace. */
import { randomUUID } from 'node:crypto';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { TestSystem, type Json } from '../support/system';
import { eventually } from '../support/eventually';

jest.setTimeout(300_000);

let its: TestSystem;
beforeAll(async () => {
  its = await TestSystem.start(['sandbox', 'api', 'worker', 'bridge']);
});
afterAll(() => its?.close());

async function subscribed(clock: string, token: string) {
  const { customer, order } = await its.buyer(token, clock);
  const { status, body } = await its.call('POST', '/subscriptions', order, randomUUID());
  expect({ status, body }).toMatchObject({ status: 201 });
  return { id: String(body['id']), customer };
}
const anotherMethod = (customer: string, token: string) =>
  its.made(`/customers/${customer}/payment-methods`, {
    provider: 'sandbox',
    token: `${token}#${randomUUID()}`,
  });
const read = (id: string) => its.get(`/subscriptions/${id}`);
const renewalOf = async (id: string): Promise<Json> => {
  const { data } = (await its.get(`/subscriptions/${id}/periods`)) as { data: Json[] };
  return its.get(`/payments/${String(data[1]?.['payment_id'])}`);
};
const attemptsOf = (payment: Json) =>
  (payment['attempts'] as Json[]).map(({ trigger, status }) => `${String(trigger)} ${String(status)}`);
const changesOf = (id: string) =>
  its.topics.of(id, 'subscriptions.updated').map(({ event }) => event.data['changes']);
const succeeded = async (customer: string) =>
  (await its.charges(customer)).filter(({ status }) => status === 'succeeded').length;

test('a declined renewal is tried again as planned, and the subscription recovers', async () => {
  const clock = await its.made('/test-clocks', { now: '2031-01-01T12:00:00Z' });
  const { id, customer } = await subscribed(clock, 'tok_ok_then_fail_2');
  await its.advance(clock, '2031-02-02T00:00:00Z');
  expect(await read(id)).toMatchObject({ status: 'past_due', period: { index: 2, paid: false } });
  const waiting = await renewalOf(id);
  expect(waiting).toMatchObject({ status: 'failed', next_attempt_at: expect.any(String) });
  await its.advance(clock, '2031-02-14T00:00:00Z');
  expect(await read(id)).toMatchObject({ status: 'active', period: { index: 2, paid: true } });
  const paid = await renewalOf(id);
  expect(paid).toMatchObject({ status: 'completed', next_attempt_at: null });
  expect(attemptsOf(paid)).toEqual(['renewal failed', 'automatic_retry failed', 'automatic_retry completed']);
  await its.topicsAreQuiet();
  expect(changesOf(id)).toEqual([['past_due'], ['renewed', 'recovered']]);
  expect(await succeeded(customer)).toBe(2);
});

test('when grace is over the subscription expires at the announced instant, and nothing is tried any more', async () => {
  const clock = await its.made('/test-clocks', { now: '2031-01-01T12:00:00Z' });
  const { id, customer } = await subscribed(clock, 'tok_ok_then_fail_99');
  await its.advance(clock, '2031-02-14T00:00:00Z');
  expect(await read(id)).toMatchObject({ status: 'past_due' });
  await its.advance(clock, '2031-03-30T00:00:00Z');
  expect(await read(id)).toMatchObject({ status: 'expired', period: { index: 2, paid: false } });
  expect(await renewalOf(id)).toMatchObject({ status: 'uncollectible', next_attempt_at: null });
  expect(await succeeded(customer)).toBe(1);
  await its.topicsAreQuiet();
  expect(changesOf(id)).toEqual([['past_due'], ['expired']]);
});

test('a hard decline waits for another payment method, which is charged at once', async () => {
  const clock = await its.made('/test-clocks', { now: '2031-01-01T12:00:00Z' });
  const { id, customer } = await subscribed(clock, 'tok_ok');
  const stolen = await anotherMethod(customer, 'tok_stolen');
  await its.call('PUT', `/subscriptions/${id}`, { payment_method_id: stolen });
  await its.advance(clock, '2031-02-08T00:00:00Z');
  expect(attemptsOf(await renewalOf(id))).toEqual(['renewal failed']);
  const good = await anotherMethod(customer, 'tok_ok');
  await its.call('PUT', `/subscriptions/${id}`, { payment_method_id: good });
  await eventually('the recovery', async () => (await read(id))['status'] === 'active');
  expect(attemptsOf(await renewalOf(id))).toEqual(['renewal failed', 'automatic_retry completed']);
});

test('an operator’s retry is made at once; two at once are one attempt each, the later refused', async () => {
  const clock = await its.made('/test-clocks', { now: '2031-01-01T12:00:00Z' });
  const { id } = await subscribed(clock, 'tok_ok_then_fail_1');
  await its.advance(clock, '2031-02-02T00:00:00Z');
  const { id: paymentId } = await renewalOf(id);
  const retry = () =>
    its.call('POST', `/payments/${String(paymentId)}/retry`, { reason: 'the customer called' });
  const answers = await Promise.all([retry(), retry()]);
  expect(answers.map(({ status }) => status)).toContain(202);
  await eventually('the payment', async () => (await renewalOf(id))['status'] === 'completed');
  await eventually('both wishes to be judged', async () => {
    const { data } = (await its.get(`/payments/${String(paymentId)}/retry-requests`)) as { data: Json[] };
    return data.every(({ status }) => status !== 'requested');
  });
  const { data } = (await its.get(`/payments/${String(paymentId)}/retry-requests`)) as { data: Json[] };
  expect(data.filter(({ status }) => status === 'attempted')).toHaveLength(1);
  expect(attemptsOf(await renewalOf(id))).toEqual(['renewal failed', 'manual_retry completed']);
  const settled = await retry();
  expect(settled).toMatchObject({
    status: 409,
    body: { code: 'payment_not_retryable', reason: 'completed' },
  });
});

describe('what the customer is told', () => {
  interface Told {
    event_id: string;
    template: string;
    status: string;
    attempts: number;
  }
  const toldOf = async (customer: string, wanted: number): Promise<Told[]> => {
    const list = async () => {
      const { data } = (await its.get(`/notifications?customer_id=${customer}&limit=100`)) as {
        data: never[];
      };
      return (data as Told[]).toReversed();
    };
    await eventually(`${wanted} notifications`, async () => {
      const told = await list();
      return told.length >= wanted && told.every(({ status }) => status !== 'sending');
    });
    return list();
  };
  /** The instants at which it was asked for, as the topic has them. */
  const askedOf = (customer: string) =>
    its.topics
      .of(customer, 'notifications.requested')
      .map(({ event }) => [event.data['template'], event.data['not_before']]);

  test('is what the preview announced, in its order, once each, whatever comes twice', async () => {
    const clock = await its.made('/test-clocks', { now: '2031-01-01T12:00:00Z' });
    const { id, customer } = await subscribed(clock, 'tok_ok_then_fail_99');
    await its.call('PATCH', `/customers/${customer}`, { email: 'ada@example.com' });
    await its.advance(clock, '2031-03-03T00:00:00Z');
    expect(await read(id)).toMatchObject({ status: 'expired' });

    const [first] = (await renewalOf(id))['attempts'] as { finished_at: string }[];
    const failed_at = first?.finished_at;
    const preview = await its.call('POST', '/retry-policies/default/preview', {
      category: 'insufficient_funds',
      failed_at,
      time_zone: 'Europe/Berlin',
      earlier_attempts: ['2031-01-01T12:00:00Z'],
    });
    const templates: Record<string, string> = {
      attempt: 'payment_failed',
      reminder: 'final_action_ahead',
      final_action: 'final_action_taken',
    };
    const entries = preview.body['entries'] as { kind: string; at: string }[];
    const announced = entries.map(({ kind, at }) => [templates[kind], at]);
    await its.topicsAreQuiet();
    expect(askedOf(customer)).toEqual([['payment_failed', failed_at], ...announced]);

    const told = await toldOf(customer, announced.length + 1);
    expect(told.map(({ template }) => template)).toEqual(askedOf(customer).map(([template]) => template));
    expect(told.every(({ status, attempts }) => status === 'sent' && attempts === 1)).toBe(true);
    const mails = () => readdirSync(join(its.system.platform.dir, 'notifications')).length;
    expect(mails()).toBe(told.length);

    // The relay publishes all of it again, and a bridge that was killed reads it anew.
    await its.system.product('bridge').kill();
    await its.row(
      `UPDATE outbox_events SET published_at = NULL WHERE topic = 'notifications.requested' AND key = $1`,
      customer,
    );
    await its.startAgain('bridge');
    await its.topicsAreQuiet();
    const [again] = its.topics.of(customer, 'notifications.requested').slice(-1);
    if (again === undefined) throw new Error('nothing was published');
    await its.topics.consumedBy('notification-service', again);
    expect(await toldOf(customer, told.length)).toEqual(told);
    expect(mails()).toBe(told.length);
  });
});
