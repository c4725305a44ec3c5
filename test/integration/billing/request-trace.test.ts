/** Outcomes carry the trace context of the request that their attempt was made for, and of nothing else. */
import { attemptPayment } from '../../../billing/payment/attempt';
import { concludeChange } from '../../../billing/subscription/conclude-change';
import { commitChange } from '../../../billing/subscription/commit-change';
import { applyFirstPayment } from '../../../billing/subscription/first-payment';
import type { ChangeCommand } from '../../../contracts/workflows/commands';
import { paymentRequestedEventId, retryRequestedEventId } from '../../../domain/event-ids';
import type { AttemptTrigger } from '../../../domain/payment/payment';
import { inTransaction } from '../../../prisma/client';
import { appendToOutbox } from '../../../billing/outbox';
import { requestPayment } from '../../../billing/payment/request-payment';
import { settleAttempt } from '../../../billing/payment/settle-attempt';
import { completed, declined, useBilling, pending } from '../../support/billing';
import { actor } from '../../support/creation';
import { nothingAsked } from '../../support/subscription-life';

const given = useBilling();

const now = new Date('2027-01-01T00:00:00.000Z');
const traceOf = (digit: string) => `00-${digit.repeat(32)}-${digit.repeat(16)}-01`;

async function asked(paymentId: string, traceparent: string) {
  const wanted = {
    payment_id: paymentId,
    customer_id: 'cus_1',
    subscription_id: null,
    amount: 1000,
    currency: 'EUR',
    payment_method_id: 'pm_1',
    reason: 'extra',
  };
  await inTransaction(given.db, async (tx) => {
    await requestPayment(tx, wanted, now);
    const id = paymentRequestedEventId(paymentId);
    const about = { source: '/api-gateway', subject: paymentId, key: paymentId } as const;
    const event = {
      topic: 'payments.requested',
      id,
      ...about,
      data: { ...wanted, actor },
      traceparent,
    } as const;
    appendToOutbox(tx, event, now);
  });
}

async function retryAsked(paymentId: string, attempt: number, traceparent: string) {
  const request = { id: `rtr_${paymentId}`, payment_id: paymentId, reason: 'she called', actor, attempt };
  await given.db.retryRequest.create({ data: request });
  const { id: retry_request_id, reason } = request;
  const data = {
    payment_id: paymentId,
    subscription_id: null,
    customer_id: 'cus_1',
    retry_request_id,
    payment_method_id: null,
    reason,
    actor,
  };
  const id = retryRequestedEventId(paymentId, retry_request_id);
  const about = { source: '/api-gateway', subject: paymentId, key: paymentId } as const;
  await inTransaction(given.db, async (tx) =>
    appendToOutbox(tx, { topic: 'payments.retry.requested', id, ...about, data, traceparent }, now),
  );
}

/** Of the outcome's event. */
async function outcomeTrace(paymentId: string, number: number, trigger: AttemptTrigger) {
  const { status } = await attemptPayment(given, { payment_id: paymentId, number, trigger });
  return publishedTrace(paymentId, number, status);
}

async function publishedTrace(paymentId: string, number: number, status: string) {
  const { payload } = await given.db.outboxEvent.findUniqueOrThrow({
    where: { event_id: `${paymentId}/attempt/${number}/${status}` },
  });
  return (JSON.parse(payload ?? '{}') as { traceparent?: string }).traceparent;
}

test('the payment’s own request, the retry that was asked for, and none for what nobody asked', async () => {
  given.provider.charges = [declined, declined, completed];
  await asked('pay_1', traceOf('1'));
  expect(await outcomeTrace('pay_1', 1, 'manual')).toBe(traceOf('1'));
  expect(await outcomeTrace('pay_1', 2, 'automatic_retry')).toBeUndefined();
  await retryAsked('pay_1', 3, traceOf('3'));
  expect(await outcomeTrace('pay_1', 3, 'manual_retry')).toBe(traceOf('3'));
});

test('none when the request’s event is no longer kept, or there never was one', async () => {
  given.provider.charges = [completed];
  await asked('pay_2', traceOf('2'));
  await given.db.outboxEvent.updateMany({ where: { subject: 'pay_2' }, data: { payload: null } });
  expect(await outcomeTrace('pay_2', 1, 'manual')).toBeUndefined();
  await asked('pay_3', traceOf('4'));
  await given.db.outboxEvent.deleteMany({ where: { subject: 'pay_3' } });
  expect(await outcomeTrace('pay_3', 1, 'manual')).toBeUndefined();
});

/** Its outcome comes after its caller was answered. */
async function completesLater(paymentId: string) {
  await inTransaction(given.db, (tx) => settleAttempt(tx, paymentId, 1, completed, 'webhook'));
  return publishedTrace(paymentId, 1, 'completed');
}

test('the creation’s, and the change’s that had to be paid first, when their callers were answered before', async () => {
  given.provider.charges = [pending];
  const traceparent = traceOf('5');
  const { subscriptionId, paymentId } = await given.begun({ traceparent });
  await attemptPayment(given, { payment_id: paymentId, number: 1, trigger: 'first' });
  await applyFirstPayment(given.db, subscriptionId, traceparent);
  await given.db.payment.update({ where: { id: paymentId }, data: { announced: true } });
  expect(await completesLater(paymentId)).toBe(traceparent);

  await applyFirstPayment(given.db, subscriptionId);
  const request = { quantity: 2, proration: 'charge_now', traceparent: traceOf('6') } as const;
  const begun = await commitChange(given, subscriptionId, { ...unchanged, ...request });
  if (begun.kind !== 'charge') throw new Error(`it is ${begun.kind}`);
  await attemptPayment(given, { payment_id: begun.payment_id, number: 1, trigger: 'manual' });
  await concludeChange(given, subscriptionId, begun.payment_id, false);
  expect(await completesLater(begun.payment_id)).toBe(traceOf('6'));
});

const unchanged: ChangeCommand = { ...nothingAsked, command_id: 'change_1', actor };
