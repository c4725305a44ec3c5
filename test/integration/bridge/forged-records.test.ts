/**
 * For every topic that is consumed: records that are well-formed, and that our own history contradicts. They change no
 * row, signal no process, charge and refund nothing, and notify no customer.
 */
import { attemptPayment } from '../../../billing/payment/attempt';
import { createPayment } from '../../../billing/payment/create';
import { commitCancellation } from '../../../billing/subscription/commands';
import { applyFirstPayment } from '../../../billing/subscription/first-payment';
import { storeWebhook } from '../../../billing/webhook/deliveries';
import type { EventData, EventTopic } from '../../../contracts/topics/events';
import { completed, noAnswer, useBilling, type TestBilling } from '../../support/billing';
import { consumers, type TestConsumers } from '../../support/consumers';
import { actor } from '../../support/creation';
import { writeFailed } from '../../support/failed-payment';
import { dumpDatabase } from '../../support/table-dump';
import { useTemporal } from '../../support/temporal';
import { forged, type Truth } from './forged-records';
import { someTrace } from '../../support/trace';

const given = useBilling();
const temporal = useTemporal();

let truth: Truth;
let groups: TestConsumers;
beforeAll(async () => {
  groups = consumers(given.db, temporal);
  truth = await lived(given);
});

/** The data of the one record of ours on a topic about a subject. */
async function own<T extends EventTopic>(topic: T, subject: string): Promise<EventData<T>> {
  const { payload } = await given.db.outboxEvent.findFirstOrThrow({ where: { topic, subject } });
  return (JSON.parse(payload ?? '{}') as { data: EventData<T> }).data;
}

async function subscribed(billing: TestBilling, id: string, outcome: typeof completed): Promise<string> {
  const { paymentId } = await billing.begun({ subscription_id: id });
  billing.provider.charges = [outcome];
  await attemptPayment(billing, { payment_id: paymentId, number: 1, trigger: 'first' });
  await applyFirstPayment(billing.db, id);
  return paymentId;
}

/** Lives what there is to be contradicted, and has our own records of it consumed. */
async function lived(billing: TestBilling): Promise<Truth> {
  const { db } = billing;
  await subscribed(billing, 'sub_paid', completed);
  const openPaymentId = await subscribed(billing, 'sub_open', noAnswer);
  await subscribed(billing, 'sub_gone', completed);
  const command = { command_id: 'sub_gone/c', mode: 'now', refund: 'none', reason: null, actor } as const;
  await commitCancellation(billing, 'sub_gone', command);
  const [paid, open, gone] = await Promise.all(
    ['sub_paid', 'sub_open', 'sub_gone'].map((id) => own('subscriptions.created', id)),
  );
  if (paid === undefined || open === undefined || gone === undefined) throw new Error('nothing was written');
  const cancelled = await own('subscriptions.cancelled', 'sub_gone');
  for (const data of [paid, open, gone]) await groups.consume('subscriptions.created', data);
  await groups.consume('subscriptions.cancelled', cancelled);
  const wanted = { customer_id: 'cus_1', amount: 2_000, currency: 'EUR', reason: 'setup fee' };
  await createPayment(db, { id: 'pay_asked', request: wanted, actor, trace: someTrace });
  await writeFailed(db, { id: 'pay_failed' });
  const about = { payment_id: 'pay_failed', subscription_id: null, customer_id: 'cus_of_pay_failed' };
  return {
    paid,
    open,
    cancelled,
    outcome: outcomeOf(openPaymentId),
    requested: await own('payments.requested', 'pay_asked'),
    retry: { ...about, retry_request_id: 'rtr_1', payment_method_id: null, reason: 'they called', actor },
    webhook: await ignoredWebhook(),
    recovered: {
      ...about,
      template: 'payment_recovered',
      data: { amount: 1_000, currency: 'EUR' },
      not_before: '2026-01-01T00:00:00.000Z',
    },
  };
}

const outcomeOf = (paymentId: string): EventData<'payments.completed'> => ({
  payment_id: paymentId,
  kind: 'first',
  subscription_id: 'sub_open',
  customer_id: 'cus_1',
  period_index: 1,
  attempt: 1,
  amount: 1_000,
  currency: 'EUR',
  provider: 'sandbox',
  provider_reference: 'ch_1',
  trigger: 'first',
  settled_by: 'webhook',
  completed_at: '2027-03-01T09:00:00.000Z',
});

/** A verified webhook about nothing of ours, which was processed. */
async function ignoredWebhook(): Promise<EventData<'webhooks.received'>> {
  const nothing = { payment_id: null, outcome: null, dispute: null, refund: null };
  const event = { id: 'evt_1', type: 'charge.succeeded', ...nothing };
  const received = { body: Buffer.from('{}'), headers: {}, receivedAt: new Date('2027-03-01T09:00:00.000Z') };
  const traced = { trace: someTrace, isTraceSent: false };
  await storeWebhook(given.db, { provider: 'sandbox', event, ...received, ...traced });
  const { id } = await given.db.webhookDelivery.findFirstOrThrow();
  const data = await own('webhooks.received', id);
  await groups.consume('webhooks.received', data);
  return data;
}

describe('R5: a forged record', () => {
  it.each(forged)('on %s that says %s changes nothing', async (topic, _, forge, verdicts) => {
    const before = await dumpDatabase(given.db);
    const calls = given.provider.asked.length;
    groups.effects.splice(0);
    expect(await groups.consume(topic, forge(truth) as never)).toEqual(verdicts);
    expect(await dumpDatabase(given.db)).toEqual(before);
    expect(groups.effects).toEqual([]);
    expect(given.provider.asked).toHaveLength(calls);
  });

  it('is there for every topic that a group reads', () => {
    expect(new Set(forged.map(([topic]) => topic))).toEqual(new Set(groups.topics));
  });
});
