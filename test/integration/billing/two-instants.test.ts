/** What happened by the customer's time and when it was recorded: both, wherever a time is shown. */
import { attemptPayment } from '../../../billing/payment/attempt';
import { listNotifications } from '../../../billing/notification/sent';
import { createPayment } from '../../../billing/payment/create';
import { readPayment } from '../../../billing/payment/payments';
import { readRefund } from '../../../billing/payment/refunds';
import { reserveRefund } from '../../../billing/payment/reserve-refund';
import { settleAttempt } from '../../../billing/payment/settle-attempt';
import { listRetryRequests } from '../../../billing/retry/request-retry';
import { planRetry } from '../../../billing/retry/plan';
import { listPeriods, readSubscription } from '../../../billing/subscription/subscriptions';
import type { TimelineEntry } from '../../../contracts/http/timeline';
import { periodPaymentId } from '../../../domain/ids';
import { inTransaction } from '../../../prisma/client';
import { completed, declined, pending, useBilling } from '../../support/billing';
import { actor } from '../../support/creation';
import { storeWebhookOf } from '../../support/stored-webhooks';
import { startLife } from '../../support/subscription-life';
import { pagedTimeline } from '../../support/timeline-life';
import { someTrace } from '../../support/trace';

const given = useBilling();
const began = '2031-01-01T12:00:00.000Z';
const renewed = '2031-02-01T12:00:00.000Z';

/** Years before every clock here. */
const isReal = (instant: string | null | undefined): boolean =>
  typeof instant === 'string' && Math.abs(Date.parse(instant) - Date.now()) < 3_600_000;

async function renewalOf(charges: (typeof completed)[]) {
  given.provider.charges = [completed, ...charges];
  const life = await startLife(given, began);
  await life.advance(renewed);
  return { life, paymentId: periodPaymentId(life.id, 2) };
}
const attemptsOf = async (paymentId: string) => (await readPayment(given.db, paymentId)).attempts ?? [];

describe('I16: an attempt by test clock', () => {
  it('begins and ends by the clock, and says when each was recorded', async () => {
    const { paymentId } = await renewalOf([completed]);
    const [attempt] = await attemptsOf(paymentId);
    expect(attempt).toMatchObject({ started_at: renewed, finished_at: renewed });
    expect(isReal(attempt?.started_recorded_at)).toBe(true);
    expect(isReal(attempt?.finished_recorded_at)).toBe(true);
    expect(Date.parse(attempt?.finished_recorded_at ?? '')).toBeGreaterThanOrEqual(
      Date.parse(attempt?.started_recorded_at ?? ''),
    );
    const { payload } = await given.db.outboxEvent.findFirstOrThrow({ where: { subject: paymentId } });
    const { data } = JSON.parse(payload ?? '{}') as { data: Record<string, string> };
    expect(data['completed_at']).toBe(renewed);
    expect(data['completed_recorded_at']).toBe(attempt?.finished_recorded_at);
  });

  it('that dunning makes on a later day has that day, and the earlier one keeps its own', async () => {
    const { life, paymentId } = await renewalOf([declined]);
    const state = await planRetry(given.db, paymentId);
    const retriedAt = state?.next.kind === 'attempt' ? state.next.at : '';
    await life.setNow(retriedAt);
    const second = { payment_id: paymentId, number: 2, trigger: 'automatic_retry' as const };
    await attemptPayment(given, second);
    expect(await attemptsOf(paymentId)).toMatchObject([
      { status: 'failed', started_at: renewed, finished_at: renewed },
      { status: 'failed', started_at: retriedAt, finished_at: retriedAt },
    ]);
    const failed = await given.db.outboxEvent.findMany({
      where: { subject: paymentId, topic: 'payments.failed' },
      orderBy: { id: 'asc' },
    });
    const instants = failed.map(({ payload }) => {
      const { data } = JSON.parse(payload ?? '{}') as { data: Record<string, string> };
      return [data['failed_at'], isReal(data['failed_recorded_at'])];
    });
    expect(instants).toEqual([
      [renewed, true],
      [retriedAt, true],
    ]);
  });

  it('that is open while the clock moves ends later than it began', async () => {
    const { life, paymentId } = await renewalOf([pending]);
    expect(await attemptsOf(paymentId)).toMatchObject([
      { started_at: renewed, finished_at: null, finished_recorded_at: null },
    ]);
    const settledAt = '2031-02-03T00:00:00.000Z';
    await life.setNow(settledAt);
    await inTransaction(given.db, (tx) => settleAttempt(tx, paymentId, 1, completed, 'webhook'));
    expect(await attemptsOf(paymentId)).toMatchObject([{ started_at: renewed, finished_at: settledAt }]);
  });

  it('of an older version has the instants that it was written with', async () => {
    const { paymentId } = await renewalOf([completed]);
    await given.db.paymentAttempt.updateMany({
      where: { payment_id: paymentId },
      data: { began_at: null, settled_recorded_at: null },
    });
    const [attempt] = await attemptsOf(paymentId);
    expect(attempt).toMatchObject({ finished_at: renewed, finished_recorded_at: null });
    expect(attempt?.started_at).toBe(attempt?.started_recorded_at);
  });
});

describe('I16: by test clock', () => {
  it('a subscription, its periods, a payment of its own and a refund say both', async () => {
    const { life, paymentId } = await renewalOf([completed]);
    const { created_at, recorded_at } = await readSubscription(given.db, life.id);
    expect([created_at, isReal(recorded_at)]).toEqual([began, true]);
    const { items } = await listPeriods(given.db, life.id, { after: null, limit: 10 });
    expect(items.map((item) => [item.paid_at, isReal(item.paid_recorded_at)])).toEqual([
      [began, true],
      [renewed, true],
    ]);
    const { customer_id, recorded_at: recordedAt } = await readPayment(given.db, paymentId);
    expect(isReal(recordedAt)).toBe(true);
    const request = { customer_id, amount: 500, currency: 'EUR', reason: 'extra' };
    const own = await createPayment(given.db, { id: `pay_${life.id}`, request, actor, trace: someTrace });
    expect([own.created_at, isReal(own.recorded_at), isReal(own.updated_at)]).toEqual([renewed, true, true]);
    const order = {
      refund_id: `rfd_${life.id}`,
      payment_id: paymentId,
      amount: 250,
      reason: 'goodwill',
      actor,
    };
    await inTransaction(given.db, (tx) => reserveRefund(tx, order));
    const refund = await readRefund(given.db, order.refund_id);
    expect([refund.at, isReal(refund.created_at)]).toEqual([renewed, true]);
  });

  it('a manual retry and a notification say both', async () => {
    const { life, paymentId } = await renewalOf([declined]);
    await planRetry(given.db, paymentId);
    const { customer_id } = await readPayment(given.db, paymentId);
    await life.setNow('2031-02-02T00:00:00.000Z');
    const request = { id: `rtr_${life.id}`, payment_id: paymentId, reason: 'she called', actor };
    await given.db.retryRequest.create({ data: request });
    const [asked] = await listRetryRequests(given.db, paymentId, 10);
    expect([asked?.at, isReal(asked?.requested_at)]).toEqual(['2031-02-02T00:00:00.000Z', true]);

    const { event_id, created_at } = await given.db.outboxEvent.findFirstOrThrow({
      where: { subject: paymentId, topic: 'notifications.requested' },
    });
    const about = {
      id: `ntf_${life.id}`,
      event_id,
      template: 'payment_failed',
      customer_id,
      channel: 'none',
    };
    await given.db.notification.create({ data: { ...about, requested_at: created_at } });
    const { items } = await listNotifications(given.db, { customer_id }, { after: null, limit: 10 });
    expect(items.map((item) => [item.at, isReal(item.requested_at)])).toEqual([[renewed, true]]);
  });
});

describe('I16: a timeline', () => {
  it('is in the order of the customer’s time, then of recording, and names both, also of rows that have real time only', async () => {
    const { life, paymentId } = await renewalOf([completed]);
    await storeWebhookOf(given.db, `evt_${life.id}`, paymentId, { nothing: true });
    const received = { created_at: new Date() };
    await given.db.webhookDelivery.updateMany({ data: received });
    await given.db.outboxEvent.updateMany({ where: { topic: 'webhooks.received' }, data: received });
    await life.setNow('2031-02-20T00:00:00.000Z');
    const call = { actor, action: 'PUT /subscriptions/{subscription_id}', request_id: 'req_1', status: 200 };
    await given.db.auditLog.create({ data: { ...call, subject_id: life.id } });
    const entries = await pagedTimeline(given.db, { type: 'subscription', id: life.id }, 100);
    const place = ({ at, recorded_at }: TimelineEntry) => `${at} ${recorded_at}`;
    expect(entries.map(place)).toEqual(entries.map(place).toSorted());
    expect(entries.every(({ recorded_at }) => isReal(recorded_at))).toBe(true);
    const kindsAt = (at: string) =>
      new Set(entries.filter((entry) => entry.at === at).map(({ kind }) => kind));
    expect(kindsAt(began)).toEqual(new Set(['attempt', 'ledger', 'change', 'event']));
    expect(kindsAt(renewed)).toEqual(new Set(['attempt', 'ledger', 'change', 'event', 'webhook']));
    expect(kindsAt('2031-02-20T00:00:00.000Z')).toEqual(new Set(['api_call']));
    expect(entries).toHaveLength(
      entries.filter(({ at }) => [began, renewed, '2031-02-20T00:00:00.000Z'].includes(at)).length,
    );
    for (const limit of [1, 3])
      expect(await pagedTimeline(given.db, { type: 'subscription', id: life.id }, limit)).toEqual(entries);
    const ofPayment = await pagedTimeline(given.db, { type: 'payment', id: paymentId }, 100);
    expect(new Set(ofPayment.map(({ at }) => at))).toEqual(new Set([renewed]));
  });

  it('of a clock that is older than its moves shows when rows were recorded', async () => {
    const { life, paymentId } = await renewalOf([completed]);
    const { test_clock_id } = await readSubscription(given.db, life.id);
    await given.db.testClockMove.deleteMany({ where: { clock_id: test_clock_id ?? '' } });
    const entries = await pagedTimeline(given.db, { type: 'payment', id: paymentId }, 100);
    const event = entries.find(({ kind }) => kind === 'event');
    expect(event?.at).toBe(event?.recorded_at);
    expect(entries.find(({ kind }) => kind === 'attempt')?.at).toBe(renewed);
  });

  it('of a customer without a clock has one instant for both, save money that is dated by its period', async () => {
    given.provider.charges = [completed];
    const { paymentId } = await given.opened();
    await attemptPayment(given, { payment_id: paymentId, number: 1, trigger: 'renewal' });
    const entries = await pagedTimeline(given.db, { type: 'payment', id: paymentId }, 100);
    expect(entries.length).toBeGreaterThan(2);
    const others = entries.filter(({ at, recorded_at }) => at !== recorded_at);
    expect(others.every(({ kind }) => kind === 'ledger')).toBe(true);
  });
});

it('I16: a clock that is set to the same instant again keeps from when on it showed it', async () => {
  const { id } = await given.db.testClock.create({ data: { id: 'clk_moves', now: new Date(began) } });
  const moves = () => given.db.testClockMove.findMany({ where: { clock_id: id }, orderBy: { now: 'asc' } });
  const [first] = await moves();
  await given.db.testClock.update({ where: { id }, data: { now: new Date(began), status: 'ready' } });
  expect(await moves()).toEqual([first]);
  await given.db.testClock.update({ where: { id }, data: { now: new Date(renewed) } });
  expect((await moves()).map(({ now }) => now.toISOString())).toEqual([began, renewed]);
});
