/** What a provider told stays readable: what was stored before a field was added, and what is stored now. */
import { chargeReferenceOf, providerEvent } from '../../../contracts/topics/provider-events';

const nothing = { id: 'evt_1', type: 'x', payment_id: null, outcome: null, dispute: null, refund: null };
const dispute = { provider_reference: 'ch_1', amount: 1500, currency: 'EUR' };
const refund = { provider_reference: 're_1', charge_reference: 'ch_2', amount: 500, status: 'succeeded' };

test.each([
  ['a dispute without its own name', { ...nothing, dispute }],
  ['a refund without a key', { ...nothing, refund }],
  ['nothing of ours', nothing],
])('%s, stored before, is read as it is', (_what, event) => {
  expect(providerEvent.parse(event)).toEqual(event);
});

test.each(['opened', 'won', 'lost', 'inquiry'])('a dispute that is %s is stored with all of it', (status) => {
  const occurred_at = '2027-03-01T09:00:00.000Z';
  const reported = { ...dispute, dispute_reference: 'du_1', status, reason: 'fraudulent' };
  const event = { ...nothing, occurred_at, dispute: reported };
  expect(providerEvent.parse(event)).toEqual(event);
});

test.each([
  ['a state that does not exist', { status: 'closed' }],
  ['a name that no id can hold', { dispute_reference: 'a b' }],
  ['a reason with a NUL', { reason: 'a\u0000' }],
])('a dispute with %s is refused', (_what, more) => {
  expect(providerEvent.safeParse({ ...nothing, dispute: { ...dispute, ...more } }).success).toBe(false);
});

test('the charge is that of the refund or the dispute', () => {
  const read = (event: object) => chargeReferenceOf(providerEvent.parse(event));
  expect(read({ ...nothing, dispute })).toBe('ch_1');
  expect(read({ ...nothing, refund })).toBe('ch_2');
  expect(read(nothing)).toBeUndefined();
});
