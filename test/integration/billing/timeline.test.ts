/** Timelines of what really happened: a year of a subscription, its declined renewal, and what people did about it. */
import { nextRequest } from '../../../billing/retry/requests';
import { planRetry } from '../../../billing/retry/plan';
import { recordDunningStarted } from '../../../billing/subscription/dunning';
import type { TimelineEntry } from '../../../contracts/http/timeline';
import type { TimelinePlace } from '../../../domain/timeline/timeline';
import { inTransaction } from '../../../prisma/client';
import { enqueueOperatorTask } from '../../../billing/operator-tasks';
import { enqueueLedgerTransaction } from '../../../billing/ledger/ledger-store';
import { reserveRefund } from '../../../billing/payment/reserve-refund';
import { readTimeline } from '../../../billing/timeline/timeline';
import type { TimelineSubject } from '../../../billing/timeline/index-query';
import { storeWebhook } from '../../../billing/webhook/deliveries';
import { completed, declined, useBilling } from '../../support/billing';
import { actor } from '../../support/creation';
import { startLife } from '../../support/subscription-life';
import { someTrace } from '../../support/trace';

const given = useBilling();
let subscription: TimelineSubject;
let failed: TimelineSubject;
let customer: TimelineSubject;

beforeAll(async () => {
  given.provider.charges = [completed, completed, declined];
  const lived = await startLife(given, '2027-01-31T10:00:00.000Z');
  subscription = { type: 'subscription', id: lived.id };
  await lived.advance('2027-04-01T00:00:00.000Z');
  const row = await given.db.payment.findFirstOrThrow({
    where: { subscription_id: lived.id, period_index: 3 },
  });
  failed = { type: 'payment', id: row.id };
  customer = { type: 'customer', id: row.customer_id };
  await recordDunningStarted(given, lived.id, { payment_id: row.id, period_index: 3 });
  await planRetry(given.db, row.id);
  await aroundIt(lived.id, row.id);
});

/** A wish that is refused, a webhook, a task that is resolved, calls, a refund of the period before. */
async function aroundIt(subscriptionId: string, paymentId: string): Promise<void> {
  const { db } = given;
  const request = { id: 'rtr_1', payment_id: paymentId, payment_method_id: 'pm_gone', reason: 'she called' };
  await db.retryRequest.create({ data: { ...request, actor } });
  await db.paymentMethod.updateMany({ data: { deleted_at: new Date() } });
  await nextRequest(db, paymentId);
  await storeWebhook(db, {
    provider: 'sandbox',
    event: {
      id: 'evt_1',
      type: 'charge.failed',
      payment_id: paymentId,
      outcome: null,
      dispute: null,
      refund: null,
    },
    body: Buffer.from('{}'),
    headers: {},
    receivedAt: new Date(),
    trace: someTrace,
    isTraceSent: false,
  });
  const subject = { type: 'payment', id: paymentId } as const;
  await inTransaction(db, async (tx) => enqueueOperatorTask(tx, 'dispute', subject, 'Look.', new Date()));
  const resolution = { actor: { ...actor, reason: 'it is well' }, reason: 'it is well', outcome: null };
  await db.operatorTask.updateMany({
    where: { subject_id: paymentId },
    data: { status: 'resolved', resolved_at: new Date(), resolution },
  });
  const { id: taskId } = await db.operatorTask.findFirstOrThrow({ where: { subject_id: paymentId } });
  const paid = await db.payment.findFirstOrThrow({
    where: { subscription_id: subscriptionId, period_index: 2 },
  });
  const refund = { refund_id: 'rfd_1', payment_id: paid.id, amount: 250, reason: 'goodwill', actor };
  await inTransaction(db, (tx) => reserveRefund(tx, refund));
  const call = { actor: { ...actor, reason: 'she called' }, request_id: 'req_1' };
  await db.auditLog.createMany({
    data: [
      {
        ...call,
        action: 'POST /payments/{payment_id}/retry',
        subject_id: paymentId,
        status: 202,
        detail: { scope: 'operator' },
      },
      {
        ...call,
        action: 'POST /operator-tasks/{operator_task_id}/resolve',
        subject_id: taskId,
        status: 200,
        detail: { scope: 'operator' },
      },
      {
        ...call,
        action: 'POST /subscriptions/{subscription_id}/pause',
        subject_id: subscriptionId,
        status: 409,
        detail: { scope: 'subscriptions:write', code: 'subscription_state' },
      },
      { ...call, action: 'POST /plans', subject_id: 'gold', status: 201, detail: {} },
    ],
  });
  await db.outboxEvent.updateMany({
    where: { event_id: `${paymentId}/attempt/1/failed` },
    data: { published_at: new Date(), partition: 3, offset: 17 },
  });
}

async function paged(subject: TimelineSubject, limit: number): Promise<TimelineEntry[]> {
  const entries: TimelineEntry[] = [];
  let after: TimelinePlace | null = null;
  for (;;) {
    const { places, entryAt } = await readTimeline(given.db, subject, after, limit);
    for (const place of places) entries.push(entryAt(place)!);
    const last = places.at(-1);
    if (last === undefined) return entries;
    after = last;
  }
}

const titlesOf = (entries: readonly TimelineEntry[]) => entries.map(({ kind, title }) => `${kind}: ${title}`);

describe('the timeline of a subscription', () => {
  it('tells all that happened to it and its payments, causes before what follows', async () => {
    expect(titlesOf(await paged(subscription, 100))).toEqual([
      'attempt: Attempt 1 took 10.00 EUR',
      'ledger: 10.00 EUR received',
      'change: Created: active; Period 1 opened: 31 Jan 2027 – 28 Feb 2027',
      'ledger: 10.00 EUR paid for 31 Jan 2027 – 28 Feb 2027',
      'event: Event subscriptions.created is to be published',
      'change: Period 2 opened: 28 Feb 2027 – 31 Mar 2027',
      'ledger: 10.00 EUR due for 28 Feb 2027 – 31 Mar 2027',
      'attempt: Attempt 1 took 10.00 EUR',
      'ledger: 10.00 EUR received',
      'event: Event payments.completed is to be published',
      'change: Period 2 paid',
      'ledger: 10.00 EUR paid for 28 Feb 2027 – 31 Mar 2027',
      'event: Event subscriptions.updated is to be published',
      'change: Period 3 opened: 31 Mar 2027 – 30 Apr 2027',
      'ledger: 10.00 EUR due for 31 Mar 2027 – 30 Apr 2027',
      'attempt: Attempt 1 declined: insufficient funds (soft)',
      'event: Event payments.failed is on partition 3 at offset 17',
      'change: Past due: period 3 is not paid',
      'event: Event subscriptions.updated is to be published',
      expect.stringMatching(/^retry_plan: Next attempt planned for 2027-04-0\d \d\d:\d\d UTC: /),
      'notification: Notification payment failed asked for',
      'operator_action: Retry asked for: she called',
      'retry_plan: Retry refused: no payment method',
      'webhook: Webhook charge.failed from sandbox: not yet looked at',
      'event: Event webhooks.received is to be published',
      'operator_action: A person is asked about dispute: Look.',
      'operator_action: A person decided about dispute',
      'refund: Refund of 2.50 EUR pending: goodwill',
      'ledger: 2.50 EUR reserved to go back',
      'operator_action: POST /payments/{payment_id}/retry answered 202',
      'operator_action: POST /operator-tasks/{operator_task_id}/resolve answered 200',
      'api_call: POST /subscriptions/{subscription_id}/pause refused with 409: subscription state',
    ]);
  });

  it('is the same in pages of any size', async () => {
    // Rows of one instant: a whole hour's worth of entries that only rank, id and number tell apart.
    const at = new Date('2027-01-01T00:00:00.000Z');
    await given.db.auditLog.updateMany({ data: { at } });
    await given.db.outboxEvent.updateMany({ data: { created_at: at } });
    await given.db.change.updateMany({ data: { at } });
    await given.db.paymentAttempt.updateMany({ data: { started_at: at } });
    const whole = await paged(subscription, 100);
    expect(whole).toHaveLength(32);
    for (const limit of [1, 2, 5]) expect(await paged(subscription, limit)).toEqual(whole);
    const instants = whole.map((entry) => entry.at);
    expect(instants).toEqual(instants.toSorted());
  });

  it('says who and why, and what a program needs', async () => {
    const entries = await paged(subscription, 100);
    expect(entries.find(({ ref }) => ref.type === 'retry_refusal')).toMatchObject({
      actor: { kind: 'system', id: 'retry-service' },
      ref: { id: 'rtr_1' },
      data: { refusal: 'no_payment_method', status: 'refused' },
    });
    expect(entries.find(({ title }) => title.includes('pause refused'))).toMatchObject({
      actor: { kind: 'api_key', id: 'key_1', reason: 'she called' },
      data: { code: 'subscription_state', request_id: 'req_1' },
    });
    expect(entries.find(({ title }) => title.startsWith('Period 2 paid'))).toMatchObject({
      data: { previous: { period: { paid: false } }, current: { period: { paid: true } } },
    });
  });
});

test('the timeline of a payment has what is about it and nothing else', async () => {
  const entries = await paged(failed, 3);
  expect(entries.map(({ ref }) => ref.type).toSorted()).toEqual([
    'attempt',
    'audit',
    'audit',
    'event',
    'event',
    'event',
    'ledger_transaction',
    'operator_task',
    'retry_plan',
    'retry_refusal',
    'retry_request',
    'task_resolution',
    'webhook_delivery',
  ]);
  expect(JSON.stringify(entries)).not.toContain('rfd_1');
});

describe('the ledger in a timeline', () => {
  const written = new Set(['t1', 't2', 'crd_1']);
  const titlesFrom = async (subject: TimelineSubject) =>
    (await paged(subject, 3)).filter(({ ref }) => written.has(ref.id)).map(({ title }) => title);

  beforeAll(async () => {
    const { customer_id: customerId, currency } = await given.db.subscription.findUniqueOrThrow({
      where: { id: subscription.id },
    });
    const at = new Date('2027-02-28T10:00:00.000Z');
    const shared = {
      customerId,
      currency,
      refundId: null,
      testClockId: null,
      at,
      realNow: at,
      actor,
      reason: null,
    };
    const ofPeriod = { ...shared, subscriptionId: subscription.id, periodIndex: 3, paymentId: failed.id };
    const moved = (debit: string, credit: string) => [
      { account: debit, source: failed.id, amount: 1_000 },
      { account: credit, source: failed.id, amount: -1_000 },
    ];
    const grant = (account: string, amount: number) =>
      ({ account, source: 'grant/crd_1', amount, owner: 'customer' }) as const;
    await inTransaction(given.db, async (tx) => {
      const write = (more: Parameters<typeof enqueueLedgerTransaction>[1]) =>
        enqueueLedgerTransaction(tx, more);
      write({ ...ofPeriod, id: 't1', kind: 'period_opened', entries: moved('receivable', 'unearned') });
      write({ ...ofPeriod, id: 't2', kind: 'payment_applied', entries: moved('unapplied', 'receivable') });
      write({
        ...shared,
        id: 'crd_1',
        kind: 'credit_granted',
        subscriptionId: null,
        periodIndex: null,
        paymentId: null,
        reason: 'sorry',
        entries: [grant('allowances', 500), grant('credit', -500)],
      });
    });
  });

  it('is a line for each transaction, of the subscription, the payment and the customer', async () => {
    const lines = [
      '10.00 EUR due for 31 Mar 2027 – 30 Apr 2027',
      '10.00 EUR paid for 31 Mar 2027 – 30 Apr 2027',
    ];
    expect(await titlesFrom(subscription)).toEqual(lines);
    expect(await titlesFrom(failed)).toEqual(lines);
    expect(await titlesFrom(customer)).toEqual([...lines, '5.00 EUR of credit granted: sorry']);
  });

  it('has what a program needs', async () => {
    const entries = await paged(subscription, 100);
    expect(entries.find(({ ref }) => ref.id === 't2')).toMatchObject({
      at: '2027-02-28T10:00:00.000Z',
      ref: { type: 'ledger_transaction', id: 't2' },
      data: {
        kind: 'payment_applied',
        payment_id: failed.id,
        entries: [
          { account: 'unapplied', owner: 'subscription', source: failed.id, amount: 1_000 },
          { account: 'receivable', owner: 'subscription', source: failed.id, amount: -1_000 },
        ],
      },
    });
  });
});

test('the timeline of a customer has all of their subscriptions and payments, and the calls about them', async () => {
  const of = (entries: readonly TimelineEntry[]) => entries.map(({ ref }) => `${ref.type} ${ref.id}`);
  const ofSubscription = of(await paged(subscription, 100));
  const ofCustomer = of(await paged(customer, 7));
  expect(ofCustomer).toEqual(expect.arrayContaining(ofSubscription));
  expect(ofCustomer).toHaveLength(new Set(ofCustomer).size);
  expect(await paged({ type: 'customer', id: 'cus_none' }, 7)).toEqual([]);
});
