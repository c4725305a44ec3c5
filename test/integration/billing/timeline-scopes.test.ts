/** I5: a timeline shows an entry to a caller who may read what it was made of. */
import { enqueueLedgerTransaction } from '../../../billing/ledger/ledger-store';
import type { TimelineSubject } from '../../../billing/timeline/index-query';
import { readableEntries } from '../../../billing/timeline/readable';
import type { TimelineEntry } from '../../../contracts/http/timeline';
import { scopes, type Scope } from '../../../contracts/scopes';
import { inTransaction } from '../../../prisma/client';
import { useBilling } from '../../support/billing';
import { actor } from '../../support/creation';
import { liveForTimelines, pagedTimeline } from '../../support/timeline-life';

const given = useBilling();
let lived: Record<TimelineSubject['type'], TimelineSubject>;
beforeAll(async () => {
  const { subscription, failed: payment, customer } = await liveForTimelines(given);
  lived = { subscription, payment, customer };
  const at = new Date('2027-04-01T10:00:00.000Z');
  const transaction = {
    customerId: customer.id,
    currency: 'EUR',
    refundId: null,
    testClockId: null,
    at,
    realNow: at,
    actor,
    reason: null,
    paymentId: payment.id,
    kind: 'payment_applied' as const,
    entries: [
      { account: 'unapplied', source: payment.id, amount: 5 },
      { account: 'receivable', source: payment.id, amount: -5 },
    ],
  };
  await inTransaction(given.db, async (tx) => {
    const ofPeriod = { subscriptionId: subscription.id, periodIndex: 3 };
    enqueueLedgerTransaction(tx, { ...transaction, ...ofPeriod, id: 'of its subscription' });
    enqueueLedgerTransaction(tx, {
      ...transaction,
      id: 'of the customer',
      kind: 'credit_granted',
      subscriptionId: null,
      periodIndex: null,
      entries: [
        { account: 'allowances', source: 'grant/crd_1', amount: 5, owner: 'customer' },
        { account: 'credit', source: 'grant/crd_1', amount: -5, owner: 'customer' },
      ],
    });
  });
});

describe('I5: what a caller with fewer scopes reads of it', () => {
  const ofSubscriptions = ['change', 'event subscriptions', 'ledger_transaction'];
  const ofPayments = [
    'attempt',
    'event payments',
    'ledger_transaction',
    'refund',
    'retry_plan',
    'retry_refusal',
    'retry_request',
  ];
  const kindOf = ({ ref, data }: TimelineEntry) =>
    ref.type === 'event' ? `event ${String(data['topic']).split('.')[0]}` : ref.type;

  it.each<[TimelineSubject['type'], Scope[], string[], Scope[]]>([
    ['subscription', ['subscriptions:read'], ofSubscriptions, ['operator', 'payments:read']],
    [
      'subscription',
      ['subscriptions:read', 'payments:read'],
      [...ofSubscriptions, ...ofPayments],
      ['operator'],
    ],
    ['payment', ['payments:read'], ofPayments, ['customers:read', 'operator']],
    ['payment', ['payments:read', 'customers:read'], ofPayments, ['operator']],
    [
      'customer',
      ['customers:read'],
      ['ledger_transaction'],
      ['operator', 'payments:read', 'subscriptions:read'],
    ],
  ])('of a %s with %j', async (type, scopes, kinds, missing) => {
    const { readable, omitted } = readableEntries(type, scopes);
    const shown = await pagedTimeline(given.db, lived[type], 2, readable);
    const absent = type === 'payment' ? ['refund', 'ledger_transaction'] : [];
    const expected = new Set(kinds.filter((kind) => !absent.includes(kind)));
    expect(new Set(shown.map(kindOf).filter((kind) => !absent.includes(kind)))).toEqual(expected);
    expect(omitted.map(({ scope }) => scope).toSorted()).toEqual(missing);
    // Pages are as full as they can be: what is hidden takes no place.
    expect(await pagedTimeline(given.db, lived[type], 100, readable)).toEqual(shown);
  });

  it.each<[Scope[], string[]]>([
    [['payments:read'], []],
    [['payments:read', 'subscriptions:read'], ['of its subscription']],
    [
      ['payments:read', 'customers:read'],
      ['of its subscription', 'of the customer'],
    ],
  ])('of what moved money with %j: %j', async (scopes, expected) => {
    const { readable } = readableEntries('payment', scopes);
    const entries = await pagedTimeline(given.db, lived.payment, 1, readable);
    expect(entries.map(({ ref }) => ref.id).filter((id) => id.startsWith('of '))).toEqual(expected);
  });

  it('is all of it with every scope', () => {
    for (const type of ['subscription', 'payment', 'customer'] as const) {
      expect(readableEntries(type, scopes).omitted).toEqual([]);
    }
  });
});
