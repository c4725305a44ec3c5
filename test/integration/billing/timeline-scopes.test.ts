/** I5: a timeline shows an entry to a caller who may read what it was made of. */
import type { TimelineSubject } from '../../../billing/timeline/index-query';
import { readableEntries } from '../../../billing/timeline/readable';
import type { TimelineEntry } from '../../../contracts/http/timeline';
import { scopes, type Scope } from '../../../contracts/scopes';
import { useBilling } from '../../support/billing';
import { liveForTimelines, pagedTimeline } from '../../support/timeline-life';

const given = useBilling();
let lived: Record<TimelineSubject['type'], TimelineSubject>;
beforeAll(async () => {
  const { subscription, failed: payment, customer } = await liveForTimelines(given);
  lived = { subscription, payment, customer };
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

  it('is all of it with every scope', () => {
    for (const type of ['subscription', 'payment', 'customer'] as const) {
      expect(readableEntries(type, scopes).omitted).toEqual([]);
    }
  });
});
