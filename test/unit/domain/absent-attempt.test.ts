/** W9: an attempt that never arrived is sent again, unless it is not wanted any more. */
import { decideAbsent, wasRefusedUnread, type AbsentFacts } from '../../../domain/payment/absent-attempt';
import { paymentKinds } from '../../../domain/payment/payment';
import { subscriptionStatuses } from '../../../domain/subscription/subscription';

const renewal: AbsentFacts = {
  kind: 'renewal',
  cancelRequested: false,
  subscription: 'active',
  ageMs: 100 * 86_400_000,
  methodDeleted: false,
};
const end = (code: string) => ({ kind: 'end', failure: expect.objectContaining({ code }) });

describe('decideAbsent', () => {
  it.each<[string, Partial<AbsentFacts>, object]>([
    ['a renewal, however old', {}, { kind: 'send_again' }],
    ['a renewal that is past due', { subscription: 'past_due' }, { kind: 'send_again' }],
    ['a payment of its own', { kind: 'manual', subscription: null }, { kind: 'send_again' }],
    ['a first payment within the hour', { kind: 'first', ageMs: 3_599_999 }, { kind: 'send_again' }],
    ['a first payment of an hour ago', { kind: 'first', ageMs: 3_600_000 }, end('processing_error')],
    ['a payment that was cancelled', { cancelRequested: true }, end('processing_error')],
    ['a payment whose subscription has ended', { subscription: 'expired' }, end('processing_error')],
    ['a payment method that was deleted', { methodDeleted: true }, end('invalid_payment_method')],
    ['a subscription that is paused', { subscription: 'paused' }, { kind: 'wait' }],
  ])('decides about %s', (_, facts, decision) => {
    expect(decideAbsent({ ...renewal, ...facts })).toEqual(decision);
  });

  it('sends nothing again for what was cancelled, has ended or is paused', () => {
    for (const kind of paymentKinds) {
      for (const subscription of subscriptionStatuses.filter((status) =>
        ['cancelled', 'expired', 'paused'].includes(status),
      )) {
        expect(decideAbsent({ ...renewal, kind, subscription, ageMs: 0 }).kind).not.toBe('send_again');
      }
      expect(decideAbsent({ ...renewal, kind, cancelRequested: true, ageMs: 0 }).kind).toBe('end');
    }
  });
});

it.each([
  ['rate_limited', true],
  ['http_401', true],
  ['http_403', true],
  ['http_500', false],
  ['timeout', false],
  ['connection_lost', false],
])('a call that ends as %s was refused unread: %s', (reason, wasUnread) => {
  expect(wasRefusedUnread({ status: 'unknown', reason })).toBe(wasUnread);
});
