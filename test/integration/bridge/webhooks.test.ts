/** Group payment-service on webhooks.received: what a stored webhook does to our payments, once. */
import { attemptPayment } from '../../../billing/payment/attempt';
import { beginAttempt } from '../../../billing/payment/begin-attempt';
import { commitCancellation } from '../../../billing/subscription/commands';
import { inTransaction } from '../../../prisma/client';
import { reserveRefund } from '../../../billing/payment/reserve-refund';
import { replayDelivery } from '../../../billing/webhook/deliveries';
import { completed, declined, useBilling, noAnswer } from '../../support/billing';
import { actor } from '../../support/creation';
import { webhooksOf, type Reported, type Webhooks } from '../../support/stored-webhooks';
import { useTemporal } from '../../support/temporal';

const given = useBilling();
const client = useTemporal();
let webhooks: Webhooks;
beforeAll(async () => {
  webhooks = webhooksOf(given.db, client);
});

const stored = (paymentId: string | null, reported?: Reported) => webhooks.stored(paymentId, reported);
const consume = (record: { data: { delivery_id: string } }) => webhooks.consume(record);
const deliveryOf = (id: string) => given.db.webhookDelivery.findUniqueOrThrow({ where: { id } });
const paymentOf = (id: string) => given.db.payment.findUniqueOrThrow({ where: { id } });
const eventsOf = (subject: string) => given.db.outboxEvent.count({ where: { subject } });
const tasksOf = (subject_id: string) => given.db.operatorTask.findMany({ where: { subject_id } });
const begin = (paymentId: string) =>
  beginAttempt(given.db, { payment_id: paymentId, number: 1, trigger: 'first' }, false);
const attempt = (paymentId: string, outcome: typeof completed) => {
  given.provider.charges = [outcome];
  return attemptPayment(given, { payment_id: paymentId, number: 1, trigger: 'first' });
};

/** A payment whose attempt is on its way. */
async function inFlight(more: object = { kind: 'renewal' }): Promise<string> {
  const { paymentId } = await given.begun();
  await begin(paymentId);
  await given.db.payment.update({ where: { id: paymentId }, data: more });
  return paymentId;
}

describe('a success', () => {
  it('settles the attempt, publishes it by the Payment Service, and is processed', async () => {
    const paymentId = await inFlight();
    const reported = await stored(paymentId);
    await consume(reported);
    expect(await paymentOf(paymentId)).toMatchObject({ status: 'completed' });
    expect(await deliveryOf(reported.deliveryId)).toMatchObject({
      status: 'processed',
      outcome: 'The attempt is completed by this webhook.',
      processed_at: expect.any(Date),
    });
    const event = await given.db.outboxEvent.findFirstOrThrow({ where: { subject: paymentId } });
    expect(JSON.parse(event.payload ?? '')).toMatchObject({
      source: '/payment-service',
      data: { settled_by: 'webhook' },
    });
  });

  it('before our own answer: the answer adopts it', async () => {
    const { paymentId } = await given.begun();
    given.provider.charges = [noAnswer];
    given.provider.slow = async () => {
      given.provider.slow = () => Promise.resolve();
      await consume(await stored(paymentId));
    };
    const answer = await attemptPayment(given, { payment_id: paymentId, number: 1, trigger: 'first' });
    expect(answer).toEqual({ status: 'completed' });
    const row = await given.db.paymentAttempt.findFirstOrThrow({ where: { payment_id: paymentId } });
    expect(row).toMatchObject({ status: 'completed', settled_by: 'webhook' });
  });

  it('after our own answer changes nothing, and says so', async () => {
    const { paymentId } = await given.begun();
    await attempt(paymentId, completed);
    const { version } = await paymentOf(paymentId);
    const reported = await stored(paymentId);
    await consume(reported);
    expect(await deliveryOf(reported.deliveryId)).toMatchObject({
      status: 'processed',
      outcome: 'The attempt was completed already, by answer.',
    });
    expect(await paymentOf(paymentId)).toMatchObject({ status: 'completed', version });
  });

  it('after the subscription was cancelled is money that a person has to see', async () => {
    const { paymentId, subscriptionId } = await given.begun();
    await begin(paymentId);
    const command = {
      command_id: `${subscriptionId}/c`,
      mode: 'now',
      refund: 'none',
      reason: null,
      actor,
    } as const;
    await commitCancellation(given, subscriptionId, command);
    await consume(await stored(paymentId));
    expect(await tasksOf(paymentId)).toMatchObject([{ kind: 'second_success' }]);
  });

  it('the same record fifty times, fifty at once: one effect', async () => {
    const paymentId = await inFlight();
    const reported = await stored(paymentId);
    await Promise.all(Array.from({ length: 50 }, () => consume(reported)));
    const { version } = await paymentOf(paymentId);
    await consume(reported);
    expect((await paymentOf(paymentId)).version).toBe(version);
    expect(await eventsOf(paymentId)).toBe(1);
  });
});

describe('what contradicts the rows', () => {
  it('a success after a failure completes the attempt after all', async () => {
    const { paymentId } = await given.begun();
    await given.db.payment.update({ where: { id: paymentId }, data: { kind: 'renewal' } });
    await attempt(paymentId, declined);
    const reported = await stored(paymentId);
    await consume(reported);
    expect(await paymentOf(paymentId)).toMatchObject({ status: 'completed' });
    expect(await deliveryOf(reported.deliveryId)).toMatchObject({
      status: 'processed',
      outcome: 'The attempt had failed, and is completed by this webhook.',
    });
    const topics = await given.db.outboxEvent.findMany({
      where: { subject: paymentId },
      select: { topic: true },
    });
    expect(topics.map(({ topic }) => topic).toSorted()).toEqual(['payments.completed', 'payments.failed']);
  });

  it('a failure after a success is ignored', async () => {
    const { paymentId } = await given.begun();
    await attempt(paymentId, completed);
    const reported = await stored(paymentId, { status: 'failed' });
    await consume(reported);
    expect(await deliveryOf(reported.deliveryId)).toMatchObject({ status: 'ignored' });
    expect(await paymentOf(paymentId)).toMatchObject({ status: 'completed' });
  });

  it.each([
    ['amount', { amount: 1001 }],
    ['currency', { currency: 'USD' }],
  ])('another %s settles nothing, and a person is asked', async (_, more) => {
    const paymentId = await inFlight();
    await consume(await stored(paymentId, more));
    expect(await paymentOf(paymentId)).toMatchObject({ status: 'unknown' });
    expect(await tasksOf(paymentId)).toMatchObject([{ kind: 'amount_mismatch' }]);
    expect(await eventsOf(paymentId)).toBe(0);
  });

  it('another amount of what was settled leaves it so, and a person is asked', async () => {
    const { paymentId } = await given.begun();
    await attempt(paymentId, completed);
    await consume(await stored(paymentId, { amount: 1 }));
    expect(await paymentOf(paymentId)).toMatchObject({ status: 'completed' });
    expect(await tasksOf(paymentId)).toMatchObject([{ kind: 'amount_mismatch' }]);
  });

  it('another provider’s word about the attempt is ignored', async () => {
    const paymentId = await inFlight();
    const reported = await stored(paymentId, { provider: 'other' });
    await consume(reported);
    expect(await deliveryOf(reported.deliveryId)).toMatchObject({ status: 'ignored' });
    expect(await paymentOf(paymentId)).toMatchObject({ status: 'processing' });
  });

  it('a record is believed only as far as the ledger has its delivery, and only what that says', async () => {
    const paymentId = await inFlight();
    const reported = await stored(paymentId, { status: 'pending' });
    const forged = { delivery_id: 'whd_forged', payment_id: paymentId };
    await expect(consume({ data: forged })).rejects.toMatchObject({ code: 'unknown_delivery' });
    await consume({ data: { ...reported.data, outcome: { status: 'completed', attempt: 1 } } as never });
    expect(await paymentOf(paymentId)).toMatchObject({ status: 'processing' });
  });
});

describe('what is about something else', () => {
  it.each([
    ['nothing of ours', null, { type: 'charge.refreshed' }],
    ['an attempt that is still pending', 'open', { status: 'pending' as const }],
  ])('%s is ignored', async (_, which, reported) => {
    const delivery = await stored(which === null ? null : await inFlight(), reported);
    await consume(delivery);
    expect(await deliveryOf(delivery.deliveryId)).toMatchObject({ status: 'ignored' });
  });

  it('a dispute marks the payment and is shown to a person, once', async () => {
    const { paymentId } = await given.begun();
    await attempt(paymentId, completed);
    const reported = await stored(paymentId, { dispute: true, type: 'charge.disputed' });
    await consume(reported);
    expect(await paymentOf(paymentId)).toMatchObject({ status: 'disputed' });
    expect(await tasksOf(paymentId)).toMatchObject([{ kind: 'dispute' }]);
    expect(await deliveryOf(reported.deliveryId)).toMatchObject({ status: 'processed' });
    const again = await stored(paymentId, { dispute: true, type: 'charge.disputed' });
    await consume(again);
    expect(await deliveryOf(again.deliveryId)).toMatchObject({ status: 'ignored' });
  });

  it('another provider’s dispute is not', async () => {
    const { paymentId } = await given.begun();
    await attempt(paymentId, completed);
    await consume(await stored(paymentId, { dispute: true, provider: 'other' }));
    expect(await paymentOf(paymentId)).toMatchObject({ status: 'completed' });
  });
});

describe('a refund', () => {
  const reserved = async (refund_id: string) => {
    const { paymentId } = await given.begun();
    await attempt(paymentId, completed);
    await inTransaction(given.db, (tx) =>
      reserveRefund(tx, { refund_id, payment_id: paymentId, amount: 400, reason: 'asked', actor }),
    );
    const { idempotency_key } = await given.db.refund.findUniqueOrThrow({ where: { id: refund_id } });
    return { paymentId, idempotency_key };
  };

  it('is settled by the webhook that comes before our own answer', async () => {
    const { paymentId, idempotency_key } = await reserved('rfd_told');
    const reported = await stored(paymentId, { refund: { idempotency_key, amount: 400 } });
    await consume(reported);
    expect(await paymentOf(paymentId)).toMatchObject({ status: 'partially_refunded', refunded_amount: 400n });
    expect(await deliveryOf(reported.deliveryId)).toMatchObject({
      status: 'processed',
      outcome: 'Refund rfd_told is succeeded.',
    });
  });

  it('of another amount changes nothing; one that nobody asked for was made at the provider, and is taken over', async () => {
    const { paymentId, idempotency_key } = await reserved('rfd_other');
    const wrong = await stored(paymentId, { refund: { idempotency_key, amount: 401 } });
    const strange = await stored(paymentId, { refund: { idempotency_key: null, amount: 400 } });
    await consume(wrong);
    await consume(strange);
    expect(await deliveryOf(wrong.deliveryId)).toMatchObject({ status: 'failed' });
    expect(await deliveryOf(strange.deliveryId)).toMatchObject({ status: 'processed' });
    expect(await paymentOf(paymentId)).toMatchObject({ status: 'partially_refunded', refunded_amount: 400n });
  });
});

describe('a payment that is not there yet', () => {
  it('is waited for: failed at first, processed once it came', async () => {
    const reported = await stored('pay_to_come');
    await expect(consume(reported)).rejects.toMatchObject({ name: 'Unprocessable', code: 'unknown_payment' });
    expect(await deliveryOf(reported.deliveryId)).toMatchObject({
      status: 'failed',
      outcome: 'The payment is not known.',
    });
    await given.db.payment.create({
      data: {
        id: 'pay_to_come',
        kind: 'manual',
        status: 'requested',
        customer_id: 'cus_1',
        currency: 'EUR',
        amount: 1000,
        payment_method_id: 'pm_1',
        announced: true,
      },
    });
    await expect(consume(reported)).rejects.toMatchObject({ code: 'unknown_attempt' });
    await begin('pay_to_come');
    await consume(reported);
    expect(await deliveryOf(reported.deliveryId)).toMatchObject({ status: 'processed' });
    expect(await paymentOf('pay_to_come')).toMatchObject({ status: 'completed' });
  });
});

describe('a replay', () => {
  it('of what was processed has no second effect', async () => {
    const paymentId = await inFlight();
    const reported = await stored(paymentId);
    await consume(reported);
    const { version } = await paymentOf(paymentId);
    await inTransaction(given.db, (tx) => replayDelivery(tx, reported.deliveryId));
    await consume(await webhooks.record(`${reported.eventId}/again/1`));
    expect(await deliveryOf(reported.deliveryId)).toMatchObject({ status: 'processed' });
    expect(await paymentOf(paymentId)).toMatchObject({ version });
    expect(await eventsOf(paymentId)).toBe(1);
  });
});
