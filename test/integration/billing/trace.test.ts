/** Every event carries the trace of what it follows from, by the rows: messages may be lost. */
import { attemptPayment } from '../../../billing/payment/attempt';
import { publishDue } from '../../../billing/renewal/publish-due';
import { renewSubscription } from '../../../billing/renewal/renew';
import { beginRun } from '../../../billing/retry/bulk-retries';
import { planRetry } from '../../../billing/retry/plan';
import { acceptRetryRequest } from '../../../billing/retry/prompts';
import { concludeRequest, nextRequest } from '../../../billing/retry/requests';
import { releaseBatch } from '../../../billing/retry/run-bulk-retry';
import { resolveOperatorTask } from '../../../billing/operator/tasks';
import { markUnknown } from '../../../billing/payment/follow-up';
import { requestOperatorDecision } from '../../../billing/payment/look-up';
import { acceptRequested } from '../../../billing/payment/requested-payments';
import { settleAttempt } from '../../../billing/payment/settle-attempt';
import { applyPayment } from '../../../billing/subscription/apply-payment';
import { beginCreation } from '../../../billing/subscription/begin';
import { commitPause, commitResumption } from '../../../billing/subscription/commands';
import { concludeChange } from '../../../billing/subscription/conclude-change';
import { commitChange } from '../../../billing/subscription/commit-change';
import { recordDunningStarted } from '../../../billing/subscription/dunning';
import { applyFirstPayment } from '../../../billing/subscription/first-payment';
import { processWebhook } from '../../../billing/webhook/process-webhook';
import type { EventTopic } from '../../../contracts/topics/events';
import type { ChangeCommand } from '../../../contracts/workflows/commands';
import type { AttemptTrigger } from '../../../domain/payment/payment';
import { derivedTrace, renewalTrace, type TraceContext } from '../../../domain/trace';
import { inTransaction } from '../../../prisma/client';
import { completed, declined, noAnswer, pending, useBilling } from '../../support/billing';
import { actor } from '../../support/creation';
import { moveBack } from '../../support/due';
import { outside, recordOf } from '../../support/outside';
import { storeWebhookOf } from '../../support/stored-webhooks';
import { nothingAsked, startLife } from '../../support/subscription-life';
import { traceOf } from '../../support/trace';

const given = useBilling();

/** The traces of the events about a subject on a topic, oldest first. */
async function tracesOf(subject: string, topic?: EventTopic): Promise<string[]> {
  const rows = await given.db.outboxEvent.findMany({ where: { subject, topic }, orderBy: { id: 'asc' } });
  return rows.map(({ payload }) => (JSON.parse(payload ?? '{}') as TraceContext).traceparent);
}
const last = async (subject: string, topic?: EventTopic) => (await tracesOf(subject, topic)).at(-1);

/** A payment of its own, as a record asks for it. */
async function requested(paymentId: string, trace: TraceContext): Promise<void> {
  const terms = { customer_id: 'cus_1', subscription_id: null, amount: 1000, currency: 'EUR' };
  const wanted = { payment_id: paymentId, ...terms, payment_method_id: 'pm_1', reason: 'extra', actor };
  await acceptRequested(
    given.db,
    recordOf<'payments.requested'>(wanted, { trace }),
    outside({ chargesPerDay: 1_000 }),
  );
}

const attempt = (payment_id: string, number: number, trigger: AttemptTrigger) =>
  attemptPayment(given, { payment_id, number, trigger });

/** A manual retry, as a record asks for it and the retry process makes it. */
async function retried(paymentId: string, trace: TraceContext): Promise<void> {
  const id = `retry_${trace.traceparent.slice(3, 8)}_${paymentId}`;
  const rules = outside({ chargesPerDay: 1_000 });
  const { customer_id, subscription_id } = await given.db.payment.findUniqueOrThrow({
    where: { id: paymentId },
  });
  const about = { payment_id: paymentId, customer_id, subscription_id, payment_method_id: null };
  const request = { ...about, retry_request_id: id, reason: 'she called', actor };
  await acceptRetryRequest(given.db, recordOf<'payments.retry.requested'>(request, { trace }), rules);
  await executeRequest(paymentId);
}

async function executeRequest(paymentId: string): Promise<void> {
  const next = await nextRequest(given.db, paymentId);
  if (next === null) throw new Error('the request was refused');
  const { number, payment_method_id, retry_request_id } = next;
  const request = { payment_id: paymentId, number, trigger: 'manual_retry' as const, payment_method_id };
  await concludeRequest(given.db, retry_request_id, await attemptPayment(given, request));
}

/** A renewal that is declined, with its plan. */
async function declinedRenewal() {
  const { subscriptionId, paymentId } = await given.opened();
  // Of its own: what others were tried with counts against their card's budget.
  const method = { id: `pm_${subscriptionId}`, customer_id: 'cus_1', provider: 'sandbox', token: 'tok_ok' };
  await given.db.paymentMethod.create({ data: method });
  await given.db.subscription.update({
    where: { id: subscriptionId },
    data: { payment_method_id: method.id },
  });
  given.provider.charges = [declined];
  await attempt(paymentId, 1, 'renewal');
  await planRetry(given.db, paymentId);
  const started = { payment_id: paymentId, period_index: 1 };
  await recordDunningStarted(given, subscriptionId, started);
  return { subscriptionId, paymentId, renewal: renewalTrace(subscriptionId, 1) };
}

describe('I15: what follows a request', () => {
  it('carries its trace: the payment’s own, then that of the retry which was asked for, and what follows it', async () => {
    given.provider.charges = [declined, declined, declined, completed];
    await requested('pay_1', traceOf('1'));
    await attempt('pay_1', 1, 'manual');
    await attempt('pay_1', 2, 'automatic_retry');
    await retried('pay_1', traceOf('3'));
    await attempt('pay_1', 4, 'automatic_retry');
    const traces = ['1', '1', '3', '3'].map((digit) => traceOf(digit).traceparent);
    expect(await tracesOf('pay_1')).toEqual(traces);
  });

  it('carries it although the event of the request is no longer kept, or never was there', async () => {
    given.provider.charges = [completed];
    await requested('pay_2', { ...traceOf('2'), tracestate: 'vendor=2' });
    await attempt('pay_2', 1, 'manual');
    const { payload } = await given.db.outboxEvent.findFirstOrThrow({ where: { subject: 'pay_2' } });
    expect(JSON.parse(payload ?? '{}')).toMatchObject({ ...traceOf('2'), tracestate: 'vendor=2' });
  });

  it('carries that of the creation, or of the change that had to be paid first, after their callers were answered', async () => {
    given.provider.charges = [pending];
    const { subscriptionId, paymentId } = await given.begun(traceOf('5'));
    await attempt(paymentId, 1, 'first');
    await applyFirstPayment(given.db, subscriptionId);
    await given.db.payment.update({ where: { id: paymentId }, data: { announced: true } });
    await completesLater(paymentId);
    await applyFirstPayment(given.db, subscriptionId);
    expect(await tracesOf(paymentId)).toEqual([traceOf('5').traceparent]);
    expect(await tracesOf(subscriptionId)).toEqual([traceOf('5').traceparent, traceOf('5').traceparent]);

    const command: ChangeCommand = { ...nothingAsked, command_id: 'change_1', actor };
    const request = { quantity: 2, proration: 'charge_now', ...traceOf('6') } as const;
    const begun = await commitChange(given, subscriptionId, { ...command, ...request });
    if (begun.kind !== 'charge') throw new Error(`it is ${begun.kind}`);
    await attempt(begun.payment_id, 1, 'manual');
    await concludeChange(given, subscriptionId, begun.payment_id, false);
    await completesLater(begun.payment_id);
    await applyPayment(given, subscriptionId, begun.payment_id);
    expect(await last(begun.payment_id)).toBe(traceOf('6').traceparent);
    expect((await tracesOf(subscriptionId)).slice(2)).toEqual([
      traceOf('6').traceparent,
      traceOf('6').traceparent,
    ]);
  });

  const completesLater = (paymentId: string) =>
    inTransaction(given.db, (tx) => settleAttempt(tx, paymentId, 1, completed, 'lookup'));

  it('keeps the first trace when the same request comes again with another', async () => {
    given.provider.charges = [completed];
    await requested('pay_again', traceOf('1'));
    await requested('pay_again', traceOf('2'));
    await attempt('pay_again', 1, 'manual');
    expect(await tracesOf('pay_again')).toEqual([traceOf('1').traceparent]);
  });

  it('carries a resumption’s trace to the period that it opens and charges', async () => {
    given.provider.charges = [completed];
    const life = await startLife(given, '2027-01-01T00:00:00Z');
    const command = { command_id: 'pause_1', actor, resume_at: null, ...traceOf('7') };
    await commitPause(given, life.id, command);
    await life.setNow('2027-02-10T00:00:00Z');
    const resumed = await commitResumption(given, life.id, {
      command_id: 'resume_1',
      actor,
      ...traceOf('8'),
    });
    const paymentId = resumed.record.subscription.open_payment_id ?? '';
    await attempt(paymentId, 1, 'renewal');
    await applyPayment(given, life.id, paymentId);
    const [, paused, ...after] = await tracesOf(life.id);
    expect(paused).toBe(traceOf('7').traceparent);
    expect([...after, await last(paymentId)]).toEqual(Array(3).fill(traceOf('8').traceparent));
  });

  it('carries the trace of an operator’s answer about an outcome that was unknown', async () => {
    given.provider.charges = [noAnswer];
    const { subscriptionId, paymentId } = await given.opened();
    await attempt(paymentId, 1, 'renewal');
    await markUnknown(given, paymentId);
    await requestOperatorDecision(given, paymentId);
    const task = await given.db.operatorTask.findFirstOrThrow({ where: { subject_id: paymentId } });
    const answer = { reason: 'looked it up', outcome: 'succeeded' } as const;
    await resolveOperatorTask(given.db, task.id, answer, { callerId: 'key_1', trace: traceOf('4') });
    await applyPayment(given, subscriptionId, paymentId);
    expect(await last(paymentId, 'payments.completed')).toBe(traceOf('4').traceparent);
    expect(await last(subscriptionId, 'subscriptions.updated')).toBe(traceOf('4').traceparent);
  });
});

describe('I15: a renewal', () => {
  it('has one trace from its announcement to the last event, whoever prompts it and however often', async () => {
    given.provider.charges = [completed];
    const { subscription_id: id, ...wanted } = given.creation({ trial_days: 1 });
    await beginCreation(given, { subscription_id: id, ...wanted });
    await moveBack({ query: (text, values) => given.db.$executeRawUnsafe(text, ...values) }, id, '1 day');
    await publishDue(given.db, { renewalsPerSecond: 0, shards: 1, tickMs: 1_000 }, 0);
    await renewSubscription(given, id);
    const period = await given.db.subscriptionPeriod.findFirstOrThrow({
      where: { subscription_id: id, index: 1 },
    });
    const trace = renewalTrace(id, 1).traceparent;
    const [created, ...after] = await tracesOf(id);
    expect(created).not.toBe(trace);
    expect(after.length).toBeGreaterThan(1);
    expect(new Set([...after, ...(await tracesOf(period.payment_id ?? ''))])).toEqual(new Set([trace]));
  });

  it('belongs to the trace of another producer’s record, where one came with it', async () => {
    given.provider.charges = [completed];
    const life = await startLife(given, '2027-01-01T00:00:00Z');
    await life.setNow('2027-02-01T00:00:00Z');
    await renewSubscription(given, life.id, traceOf('6'));
    const renewed = await given.db.payment.findFirstOrThrow({
      where: { subscription_id: life.id, period_index: 2 },
    });
    const traces = [...(await tracesOf(renewed.id)), await last(life.id)];
    expect(traces).toEqual([traceOf('6').traceparent, traceOf('6').traceparent]);
  });

  it('keeps it through dunning: the notices, past due, the next attempt, and that it recovered', async () => {
    const { subscriptionId, paymentId, renewal } = await declinedRenewal();
    given.provider.charges = [completed];
    await attempt(paymentId, 2, 'automatic_retry');
    await applyPayment(given, subscriptionId, paymentId);
    const topics = ['payments.failed', 'notifications.requested', 'payments.completed'] as const;
    for (const topic of topics)
      expect([topic, await last(paymentId, topic)]).toEqual([topic, renewal.traceparent]);
    const updates = await tracesOf(subscriptionId, 'subscriptions.updated');
    expect(updates.length).toBeGreaterThan(1);
    expect(new Set(updates)).toEqual(new Set([renewal.traceparent]));
  });

  it('leaves it to the retry that an operator asked for: the outcome, the notice and the recovery are that one’s', async () => {
    const { subscriptionId, paymentId } = await declinedRenewal();
    given.provider.charges = [completed];
    await retried(paymentId, traceOf('8'));
    await applyPayment(given, subscriptionId, paymentId);
    const recovered = { event_id: `payment_recovered/${paymentId}/attempt/2` };
    const { payload } = await given.db.outboxEvent.findUniqueOrThrow({ where: recovered });
    expect(JSON.parse(payload ?? '{}')).toMatchObject(traceOf('8'));
    expect(await last(paymentId, 'payments.completed')).toBe(traceOf('8').traceparent);
    expect(await last(subscriptionId, 'subscriptions.updated')).toBe(traceOf('8').traceparent);
  });

  it('leaves it to the bulk retry that selected it', async () => {
    const { paymentId } = await declinedRenewal();
    given.provider.charges = [completed];
    const filter = { failed_to: '2100-01-01T00:00:00Z', categories: ['soft' as const] };
    const run = { id: 'brt_1', filter, reason: 'an outage', actor, trace: traceOf('3'), rate_per_second: 10 };
    await given.db.payment.updateMany({ where: { id: { not: paymentId } }, data: { status: 'cancelled' } });
    await inTransaction(given.db, (tx) => beginRun(tx, run));
    await releaseBatch(given.db, run.id, { after: 0, payments: 10 });
    await executeRequest(paymentId);
    expect(await last(paymentId, 'payments.completed')).toBe(traceOf('3').traceparent);
  });
});

describe('I15: a webhook', () => {
  const settled = async (trace: TraceContext | undefined, eventId: string) => {
    given.provider.charges = [pending];
    const { subscriptionId, paymentId } = await given.opened();
    await attempt(paymentId, 1, 'renewal');
    const deliveryId = await storeWebhookOf(given.db, eventId, paymentId, { trace });
    await processWebhook(given.db, deliveryId);
    await applyPayment(given, subscriptionId, paymentId);
    const events = { received: await last(deliveryId), outcome: await last(paymentId, 'payments.completed') };
    return { ...events, updated: await last(subscriptionId, 'subscriptions.updated'), subscriptionId };
  };

  it('that brings a trace carries it to its record, the outcome and what that changes', async () => {
    const { subscriptionId: _, ...events } = await settled(traceOf('5'), 'evt_traced');
    const { traceparent } = traceOf('5');
    expect(events).toEqual({ received: traceparent, outcome: traceparent, updated: traceparent });
  });

  it('without one reports into the trace of the attempt that it is about', async () => {
    const { subscriptionId, ...events } = await settled(undefined, 'evt_untraced');
    const { traceparent } = renewalTrace(subscriptionId, 1);
    expect(events).toMatchObject({ outcome: traceparent, updated: traceparent });
    expect(events.received).not.toBe(traceparent);
  });

  it('about a failure carries it to the event that the intake itself writes', async () => {
    given.provider.charges = [pending];
    const { paymentId } = await given.opened();
    await attempt(paymentId, 1, 'renewal');
    await storeWebhookOf(given.db, 'evt_failed', paymentId, { status: 'failed', trace: traceOf('2') });
    expect(await last(paymentId, 'payments.failed')).toBe(traceOf('2').traceparent);
  });
});

it('I15: goes on with a derived trace where the rows are older than the column', async () => {
  given.provider.charges = [declined, completed];
  await requested('pay_old', traceOf('1'));
  await given.db.$executeRaw`UPDATE payments SET trace = NULL WHERE id = 'pay_old'`;
  await attempt('pay_old', 1, 'manual');
  await given.db.$executeRaw`UPDATE payments SET trace = NULL WHERE id = 'pay_old'`;
  await attempt('pay_old', 2, 'automatic_retry');
  const { traceparent } = derivedTrace(['payment', 'pay_old']);
  expect(await tracesOf('pay_old')).toEqual([traceparent, traceparent]);
});
