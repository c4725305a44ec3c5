/** Timelines of what really happened: a year of a subscription, its declined renewal, and what people did about it. */
import type { TimelineEntry } from '../../../contracts/http/timeline';
import { inTransaction } from '../../../prisma/client';
import { enqueueLedgerTransaction } from '../../../billing/ledger/ledger-store';
import type { TimelineSubject } from '../../../billing/timeline/index-query';
import { useBilling } from '../../support/billing';
import { actor } from '../../support/creation';
import { liveForTimelines, pagedTimeline } from '../../support/timeline-life';

const given = useBilling();
let subscription: TimelineSubject;
let failed: TimelineSubject;
let customer: TimelineSubject;

beforeAll(async () => {
  ({ subscription, failed, customer } = await liveForTimelines(given));
});

const paged = (subject: TimelineSubject, limit: number) => pagedTimeline(given.db, subject, limit);
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
    await given.db.$executeRaw`ALTER TABLE audit_log DISABLE TRIGGER USER`;
    await given.db.auditLog.updateMany({ data: { at } });
    await given.db.$executeRaw`ALTER TABLE audit_log ENABLE TRIGGER USER`;
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
