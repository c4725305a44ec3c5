/** Verified webhooks that have another shape than is known: from the provider's call to the operator and the replay. */
import { createHash } from 'node:crypto';
import StripeLibrary from 'stripe';
import { beginAttempt } from '../../../billing/payment/begin-attempt';
import { beginCreation } from '../../../billing/subscription/begin';
import { processWebhook } from '../../../billing/webhook/process-webhook';
import { subscriptionCreation } from '../../support/creation';
import { webhook } from './sandbox-events';
import { fixedNow, stripeSecret, type Reply } from './test-api';
import { openWebhookApi, type WebhookApi } from './webhook-api';

let given: WebhookApi;
beforeAll(async () => {
  given = await openWebhookApi();
  const price = { amount: 1000, currency: 'EUR', interval_unit: 'month', interval_count: 1 };
  await given.db.plan.create({ data: { id: 'gold', name: 'Gold', ...price } });
  await given.db.customer.create({ data: { id: 'cus_1' } });
  await given.db.paymentMethod.create({
    data: { id: 'pm_1', customer_id: 'cus_1', provider: 'sandbox', token: 'tok_ok' },
  });
});
beforeEach(() => given.restart());
afterAll(() => given.end());

let payments = 0;
/** A payment whose attempt at a provider waits for its outcome, and has the provider's name. */
async function inFlight(provider = 'stripe') {
  payments += 1;
  const deps = { db: given.db, providers: new Map() };
  const begun = await beginCreation(deps, subscriptionCreation(`sub_shape_${payments}`));
  const id = begun.kind === 'too_late' ? null : begun.record.first_payment_id;
  if (id === null) throw new Error('there is no payment');
  await beginAttempt(given.db, { payment_id: id, number: 1, trigger: 'first' }, false);
  const reference = `pi_${payments}`;
  await given.db.paymentAttempt.updateMany({
    where: { payment_id: id },
    data: { provider, provider_reference: reference },
  });
  return { id, reference };
}

let events = 0;
/** Sends a Stripe event. @returns the reply, and the id that it is stored under */
async function sent(type: string, data: object | undefined, more: object = {}): Promise<[Reply, string]> {
  events += 1;
  const id = `evt_shape_${events}`;
  const payload = JSON.stringify({ id, object: 'event', type, data, ...more });
  return [await deliver(payload), id];
}

function deliver(payload: string): Promise<Reply> {
  const timestamp = Math.floor(fixedNow.getTime() / 1_000);
  const signed = { payload, secret: stripeSecret, timestamp };
  const signature = StripeLibrary.webhooks.generateTestHeaderString(signed);
  return given.ask('POST', '/webhooks/stripe', {
    secret: null,
    raw: payload,
    headers: { 'content-type': 'application/json', 'stripe-signature': signature },
  });
}

const deliveryOf = (id: string) =>
  given.db.webhookDelivery.findUniqueOrThrow({
    where: { provider_provider_event_id: { provider: 'stripe', provider_event_id: id } },
  });
/** What group payment-service makes of it. */
async function processed(eventId: string) {
  const { id } = await deliveryOf(eventId);
  await processWebhook(given.db, id);
  return deliveryOf(eventId);
}
const tasksAbout = (deliveryId: string) =>
  given.db.operatorTask.findMany({ where: { subject_type: 'webhook_delivery', subject_id: deliveryId } });

const intent = (paymentId: string, more: object = {}) => ({
  object: 'payment_intent',
  id: 'pi_any',
  amount: 1000,
  amount_received: 1000,
  currency: 'eur',
  status: 'succeeded',
  metadata: { payment_id: paymentId, attempt: '1' },
  ...more,
});
const refund = (reference: string, more: object = {}) => ({
  object: 'refund',
  id: `re_${reference}`,
  amount: 400,
  currency: 'eur',
  payment_intent: reference,
  status: 'succeeded',
  metadata: {},
  ...more,
});

describe('R7: a verified webhook about nothing of ours', () => {
  it.each<[string, string, object | undefined, object]>([
    ['a v2 event without its object', 'v2.core.account.updated', {}, { object: 'v2.core.event' }],
    ['a v2 event without data', 'v1.billing.meter.no_meter_found', undefined, { object: 'v2.core.event' }],
    [
      'another’s intent in a currency that is not known',
      'payment_intent.succeeded',
      { object: intent('', { currency: 'usdc', metadata: {} }) },
      {},
    ],
    [
      'a refund with a new status of another’s charge',
      'refund.updated',
      { object: refund('pi_theirs', { status: 'under_way' }) },
      {},
    ],
  ])('is stored, answered 200 and ignored: %s', async (_, type, data, more) => {
    const [reply, id] = await sent(type, data, more);
    expect([reply.status, reply.text]).toEqual([200, '{"received":true}']);
    expect(await deliveryOf(id)).toMatchObject({ event_type: type, payment_id: null, status: 'stored' });
    const row = await processed(id);
    expect(row).toMatchObject({ status: 'ignored' });
    expect(await tasksAbout(row.id)).toEqual([]);
  });
});

describe('R7: a verified webhook that concerns us and cannot be read', () => {
  it.each<[string, (known: { id: string; reference: string }) => [string, object]]>([
    [
      'a refund with a new status',
      ({ reference }) => ['refund.updated', refund(reference, { status: 'new' })],
    ],
    [
      'a dispute with a new status',
      ({ reference }) => [
        'charge.dispute.closed',
        { object: 'dispute', id: 'du_1', amount: 1, currency: 'eur', payment_intent: reference, status: 'x' },
      ],
    ],
    [
      'an intent in a currency that is not known',
      ({ id }) => ['payment_intent.succeeded', intent(id, { currency: 'usdc' })],
    ],
  ])('is an operator task, once: %s', async (_, about) => {
    const known = await inFlight();
    const [type, object] = about(known);
    const [reply, eventId] = await sent(type, { object });
    expect(reply.status).toBe(200);
    const before = await given.db.payment.findUnique({ where: { id: known.id } });
    const row = await processed(eventId);
    expect(row).toMatchObject({ status: 'failed', payment_id: known.id });
    expect(row.outcome).toContain('It cannot be read: a person is asked.');
    expect(await given.db.payment.findUnique({ where: { id: known.id } })).toEqual(before);
    const [task] = await tasksAbout(row.id);
    expect(task).toMatchObject({ kind: 'webhook_unreadable', status: 'open' });
    expect(task?.detail).toContain(known.id);
    // Its record may come again after an operator has decided.
    const decision = { reason: 'looked it up' };
    const resolved = await given.ask('POST', `/operator-tasks/${task?.id}/resolve`, { body: decision });
    expect(resolved.status).toBe(200);
    expect(await processed(eventId)).toEqual(row);
    expect(await tasksAbout(row.id)).toMatchObject([{ status: 'resolved' }]);
  });

  it('is a task too when whose it is cannot be read', async () => {
    const payload = `not json ${events}`;
    expect((await deliver(payload)).status).toBe(200);
    const name = `unreadable/${createHash('sha256').update(payload).digest('hex')}`;
    const row = await processed(name);
    expect(row).toMatchObject({ status: 'failed', payment_id: null });
    const [task] = await tasksAbout(row.id);
    expect(task?.detail).toContain('Whose it is cannot be read.');
  });

  /** As an older release has stored it, which did not know the shape that is known today. */
  async function storedByOlder(known: { reference: string }) {
    const [, eventId] = await sent('refund.updated', { object: refund(known.reference) });
    const row = await deliveryOf(eventId);
    const event = row.event as { refund: unknown };
    const unreadable = {
      reason: 'Its refund has a status that is not known.',
      charge_reference: known.reference,
    };
    await given.db.webhookDelivery.update({
      where: { id: row.id },
      data: { event: { ...event, refund: null, unreadable } },
    });
    return { eventId, row: await processed(eventId) };
  }

  it('is read again by a replay, which answers the task when it can be read by then', async () => {
    const known = await inFlight();
    const { eventId, row } = await storedByOlder(known);
    expect(await tasksAbout(row.id)).toMatchObject([{ status: 'open' }]);
    const [, paidId] = await sent('payment_intent.succeeded', {
      object: intent(known.id, { id: known.reference }),
    });
    expect((await processed(paidId)).status).toBe('processed');
    expect((await given.ask('POST', `/webhook-deliveries/${row.id}/replay`)).status).toBe(202);
    const after = await deliveryOf(eventId);
    expect(after.event).toMatchObject({ refund: { amount: 400, charge_reference: known.reference } });
    expect(after.event).not.toHaveProperty('unreadable');
    expect((await processed(eventId)).status).toBe('processed');
    expect(await tasksAbout(row.id)).toMatchObject([
      { status: 'resolved', resolution: { actor: { id: 'payment-service' } } },
    ]);
  });

  it('stays a task when a replay cannot read it either, or its bytes are forgotten', async () => {
    const { eventId, row } = await storedByOlder(await inFlight());
    await given.db.webhookDelivery.update({ where: { id: row.id }, data: { body: null } });
    await given.db.operatorTask.updateMany({
      where: { subject_id: row.id },
      data: { status: 'resolved', resolved_at: fixedNow },
    });
    expect((await given.ask('POST', `/webhook-deliveries/${row.id}/replay`)).status).toBe(202);
    expect(await processed(eventId)).toMatchObject({ status: 'failed', replays: 1 });
    expect(await tasksAbout(row.id)).toMatchObject([{ status: 'open' }]);
  });
});

describe('R7: the sandbox provider', () => {
  it('is treated alike: a charge of ours with another shape is a task', async () => {
    const { id } = await inFlight('sandbox');
    const whole = webhook({ paymentId: id });
    const event = JSON.parse(whole.body.toString()) as { data: object };
    const body = JSON.stringify({ ...event, data: { ...event.data, amount: 'much' } });
    const reply = await given.send(webhook({ id: whole.id, body }));
    expect(reply.status).toBe(200);
    const delivery = await given.deliveryOf(whole.id);
    expect(delivery).toMatchObject({ payment_id: id });
    await processWebhook(given.db, delivery.id);
    expect(await tasksAbout(delivery.id)).toMatchObject([{ kind: 'webhook_unreadable', status: 'open' }]);
  });
});
