/** POST /webhooks/{provider}, over a real database: what a webhook that is believed does, once. */
import { attemptPayment } from '../../../billing/payment/attempt';
import { beginAttempt } from '../../../billing/payment/begin-attempt';
import { beginCreation } from '../../../billing/subscription/begin';
import { commitCancellation } from '../../../billing/subscription/commands';
import { outboxShard } from '../../../billing/outbox';
import { ScriptedProvider } from '../../support/billing';
import { actor, subscriptionCreation } from '../../support/creation';
import { fixedNow, type Ask, type Reply } from './test-api';
import { openWebhookApi, type WebhookApi } from './webhook-api';
import { former, webhook, type Sent } from './sandbox-events';

let given: WebhookApi;
beforeAll(async () => {
  given = await openWebhookApi();
  await given.db.plan.create({
    data: {
      id: 'gold',
      name: 'Gold',
      amount: 1000,
      currency: 'EUR',
      interval_unit: 'month',
      interval_count: 1,
    },
  });
  await given.db.customer.create({ data: { id: 'cus_1' } });
  await given.db.paymentMethod.create({
    data: { id: 'pm_1', customer_id: 'cus_1', provider: 'sandbox', token: 'tok_ok' },
  });
});
beforeEach(() => given.restart());
afterAll(() => given.end());

const send = (sent: Sent, more?: Ask): Promise<Reply> => given.send(sent, more);
const counts = () => given.counts();
const deliveryOf = (id: string) => given.deliveryOf(id);
const received = (id: string) =>
  given.db.outboxEvent.findUniqueOrThrow({ where: { event_id: `sandbox/${id}` } });

/** A payment with an attempt that is open, of an announced first payment or of a renewal. */
async function openPayment(name: string, more: object = {}): Promise<string> {
  const deps = { db: given.db, providers: new Map() };
  const begun = await beginCreation(deps, subscriptionCreation(`sub_${name}`));
  const paymentId = begun.kind === 'too_late' ? null : begun.record.first_payment_id;
  if (paymentId === null) throw new Error('there is no payment');
  await beginAttempt(given.db, { payment_id: paymentId, number: 1, trigger: 'first' }, false);
  await given.db.payment.update({ where: { id: paymentId }, data: more });
  return paymentId;
}
const paymentOf = (id: string) => given.db.payment.findUniqueOrThrow({ where: { id } });

describe('a webhook that is verified', () => {
  it('is stored as it came, told on webhooks.received, and answered as its provider wants', async () => {
    const sent = webhook({ paymentId: 'pay_nobody' });
    const reply = await send(sent);
    expect([reply.status, reply.text]).toEqual([200, '{"received":true}']);
    const row = await deliveryOf(sent.id);
    expect(row).toMatchObject({
      id: expect.stringMatching(/^whd_/),
      event_type: 'charge.succeeded',
      payment_id: 'pay_nobody',
      status: 'stored',
      created_at: fixedNow,
    });
    expect(Buffer.from(row.body ?? [])).toEqual(sent.body);
    expect(row.headers).toEqual({
      'content-type': 'application/json',
      'webhook-id': sent.id,
      'webhook-timestamp': sent.headers['webhook-timestamp'],
    });
    const event = await received(sent.id);
    const key = `sandbox/${sent.id}`;
    expect(event).toMatchObject({
      topic: 'webhooks.received',
      key,
      shard: outboxShard(key),
      subject: row.id,
    });
    expect(JSON.parse(event.payload ?? '')).toMatchObject({
      id: `sandbox/${sent.id}`,
      source: '/webhook-handler',
      data: {
        delivery_id: row.id,
        provider: 'sandbox',
        provider_event_id: sent.id,
        payment_id: 'pay_nobody',
        outcome: { status: 'completed', attempt: 1, amount: 1000, currency: 'EUR' },
        received_at: fixedNow.toISOString(),
      },
    });
  });

  it('needs no API key, and none does any harm', async () => {
    expect((await send(webhook())).status).toBe(200);
    expect((await send(webhook(), { secret: 'pk_of-nobody-0123456789abcdef' })).status).toBe(200);
  });

  it('about a payment that is known has the payment’s key', async () => {
    const paymentId = await openPayment('keyed');
    const sent = webhook({ paymentId });
    await send(sent);
    expect(await received(sent.id)).toMatchObject({ key: 'sub_keyed', shard: outboxShard('sub_keyed') });
  });

  it('is the same event whatever its signature: again, it is answered alike and writes nothing', async () => {
    const sent = webhook();
    const first = await send(sent);
    const before = await counts();
    const later = new Date(fixedNow.getTime() + 30 * 24 * 3_600_000);
    given.clock.now = later;
    const again = await send({
      ...sent,
      headers: webhook({ id: sent.id, body: sent.body }, [former], later).headers,
    });
    expect([again.status, again.text]).toEqual([first.status, first.text]);
    expect(await counts()).toEqual(before);
  });

  it('50 times at once: one row, one event, one answer for all', async () => {
    const paymentId = await openPayment('fifty', { kind: 'renewal' });
    const before = await counts();
    const sent = webhook({ paymentId, type: 'charge.failed' });
    const replies = await Promise.all(Array.from({ length: 50 }, () => send(sent)));
    expect(new Set(replies.map(({ status, text }) => `${status} ${text}`))).toEqual(
      new Set(['200 {"received":true}']),
    );
    const after = await counts();
    // One delivery; webhooks.received and payments.failed.
    expect(after).toEqual({ deliveries: before.deliveries + 1, events: before.events + 2 });
  });

  it('50 different ones about one payment at once are all stored', async () => {
    const paymentId = await openPayment('crowd', { kind: 'renewal' });
    const before = await counts();
    const replies = await Promise.all(
      Array.from({ length: 50 }, (_, n) =>
        send(webhook({ paymentId, type: n % 2 === 0 ? 'charge.failed' : 'charge.refreshed' })),
      ),
    );
    expect(replies.every(({ status }) => status === 200)).toBe(true);
    expect((await counts()).deliveries).toBe(before.deliveries + 50);
    expect(await given.db.outboxEvent.count({ where: { subject: paymentId } })).toBe(1);
  });
});

describe('a failure of an attempt that nobody knew of', () => {
  it('is settled at once, and payments.failed comes from the webhook handler', async () => {
    const paymentId = await openPayment('declined', { kind: 'renewal' });
    await send(webhook({ paymentId, type: 'charge.failed' }));
    expect(await paymentOf(paymentId)).toMatchObject({ status: 'failed' });
    const [event] = await given.db.outboxEvent.findMany({ where: { subject: paymentId } });
    expect(event).toMatchObject({ topic: 'payments.failed', event_id: `${paymentId}/attempt/1/failed` });
    expect(JSON.parse(event?.payload ?? '')).toMatchObject({
      source: '/webhook-handler',
      data: { failure: { code: 'insufficient_funds', category: 'soft' } },
    });
  });

  it('is on no topic while the first payment is not announced', async () => {
    const paymentId = await openPayment('quiet');
    await send(webhook({ paymentId, type: 'charge.failed' }));
    expect(await paymentOf(paymentId)).toMatchObject({ status: 'failed' });
    expect(await given.db.outboxEvent.count({ where: { subject: paymentId } })).toBe(0);
  });

  it.each([
    ['another amount', { amount: 999 }],
    ['another currency', { currency: 'USD' }],
    ['an attempt that never began', { attempt: 2 }],
  ])('is only stored when it names %s', async (name, more) => {
    const paymentId = await openPayment(name.replaceAll(' ', '_'), { kind: 'renewal' });
    const sent = webhook({ paymentId, type: 'charge.failed', ...more });
    expect((await send(sent)).status).toBe(200);
    expect(await deliveryOf(sent.id)).toMatchObject({ status: 'stored' });
    expect(await paymentOf(paymentId)).toMatchObject({ status: 'processing' });
  });

  it('is only stored when another provider was asked', async () => {
    const paymentId = await openPayment('elsewhere', { kind: 'renewal' });
    await given.db.paymentAttempt.updateMany({
      where: { payment_id: paymentId },
      data: { provider: 'other' },
    });
    await send(webhook({ paymentId, type: 'charge.failed' }));
    expect(await paymentOf(paymentId)).toMatchObject({ status: 'processing' });
  });

  it('after the payment was completed, changes nothing', async () => {
    const paymentId = await openPayment('paid', { kind: 'renewal' });
    const provider = new ScriptedProvider();
    const deps = { db: given.db, providers: new Map([['sandbox', provider]]) };
    await attemptPayment(deps, { payment_id: paymentId, number: 1, trigger: 'first' });
    const { version } = await paymentOf(paymentId);
    expect((await send(webhook({ paymentId, type: 'charge.failed' }))).status).toBe(200);
    expect(await paymentOf(paymentId)).toMatchObject({ status: 'completed', version });
  });

  it('of a subscription that was cancelled meanwhile is stored and settled, and revives nothing', async () => {
    const paymentId = await openPayment('gone');
    const command = { command_id: 'gone/c', mode: 'now', refund: 'none', reason: null, actor } as const;
    await commitCancellation({ db: given.db, providers: new Map() }, 'sub_gone', command);
    expect((await send(webhook({ paymentId, type: 'charge.failed' }))).status).toBe(200);
    expect(await given.db.subscription.findUniqueOrThrow({ where: { id: 'sub_gone' } })).toMatchObject({
      status: 'cancelled',
    });
  });
});
