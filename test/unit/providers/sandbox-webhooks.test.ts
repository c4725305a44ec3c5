/** What Perennial reads in the sandbox provider's webhooks once they are verified. */
import { sandboxWebhooks } from '../../../providers/sandbox/webhooks';

const charge = {
  id: 'ch_1',
  idempotency_key: 'pay_1/2',
  amount: 1500,
  currency: 'EUR',
  token: 'tok_ok',
  status: 'succeeded',
  failure: null,
  next_action: null,
  metadata: { payment_id: 'pay_1', attempt: 2, subscription_id: 'sub_1', customer_id: 'cus_1' },
  created_at: '2027-03-01T09:00:00.000Z',
};
const failed = {
  ...charge,
  status: 'failed',
  failure: { code: 'stolen_card', message: 'The card was reported stolen.' },
};
const event = (type: string, data: unknown, more: object = {}) =>
  JSON.stringify({ id: 'evt_1', type, created_at: '2027-03-01T09:00:00.000Z', data, ...more });
const read = (body: string | Buffer) =>
  sandboxWebhooks.read({
    body: Buffer.from(body as string),
    headers: { 'webhook-id': ['evt_1'] },
    sourceAddress: null,
  });
const nothing = { payment_id: null, outcome: null, dispute: null, refund: null };

test('a charge that succeeded is the outcome of its attempt', () => {
  expect(read(event('charge.succeeded', charge))).toEqual({
    ...nothing,
    id: 'evt_1',
    type: 'charge.succeeded',
    occurred_at: '2027-03-01T09:00:00.000Z',
    payment_id: 'pay_1',
    outcome: {
      status: 'completed',
      attempt: 2,
      amount: 1500,
      currency: 'EUR',
      provider_reference: 'ch_1',
      failure: null,
    },
  });
});

test('a charge that failed says why in the one table of declines', () => {
  expect(read(event('charge.failed', failed)).outcome).toMatchObject({
    status: 'failed',
    failure: { category: 'hard', code: 'stolen_or_lost', provider_code: 'stolen_card' },
  });
});

const refund = {
  id: 're_1',
  charge_id: 'ch_1',
  idempotency_key: 'rfd_1',
  amount: 500,
  currency: 'EUR',
  status: 'succeeded',
  created_at: '2027-03-01T09:00:00.000Z',
};
const dispute = {
  id: 'dp_1',
  charge_id: 'ch_1',
  amount: 1500,
  currency: 'EUR',
  status: 'open',
  reason: 'fraudulent',
  created_at: '2027-03-01T09:00:00.000Z',
};

test.each(['pending', 'succeeded', 'failed'])(
  'a refund that is %s names its charge and its key',
  (status) => {
    expect(read(event(`refund.${status}`, { ...refund, status }))).toMatchObject({
      ...nothing,
      refund: {
        provider_reference: 're_1',
        charge_reference: 'ch_1',
        idempotency_key: 'rfd_1',
        amount: 500,
        status,
      },
    });
  },
);

test('a refund that was made at the provider has no key', () => {
  const byHand = { ...refund, idempotency_key: null };
  expect(read(event('refund.succeeded', byHand)).refund).toMatchObject({ idempotency_key: null });
});

test.each([
  ['opened', 'open'],
  ['won', 'won'],
  ['lost', 'lost'],
  ['inquiry', 'inquiry'],
])('a dispute that is %s names its charge, and no payment', (turn, status) => {
  expect(read(event(`dispute.${turn}`, { ...dispute, status }))).toMatchObject({
    ...nothing,
    dispute: {
      provider_reference: 'ch_1',
      dispute_reference: 'dp_1',
      amount: 1500,
      currency: 'EUR',
      status: turn,
      reason: 'fraudulent',
    },
  });
});

test.each([
  ['a type that nobody knows', event('charge.refreshed', { anything: true })],
  ['a charge without our metadata', event('charge.succeeded', { ...charge, metadata: {} })],
  [
    'a charge with another key than ours',
    event('charge.succeeded', { ...charge, idempotency_key: 'theirs' }),
  ],
])('%s is readable, and about nothing of ours', (_, body) => {
  expect(read(body)).toMatchObject(nothing);
});

const unreadable = (chargeReference: string | null) => ({
  unreadable: { reason: expect.any(String) as string, charge_reference: chargeReference },
});

test.each([
  ['not JSON', '{"id":"evt_1"'],
  ['not UTF-8', Buffer.from([0x7b, 0xff, 0x7d])],
  ['empty', ''],
  ['a list', '[]'],
  ['of another id than its header says', event('charge.succeeded', charge, { id: 'evt_2' })],
  ['of a type that no text can hold', event('a\u0000b', {})],
])('R7: what is %s is unreadable, and named by its bytes', (_, body) => {
  expect(read(body)).toMatchObject({
    ...nothing,
    ...unreadable(null),
    id: expect.stringMatching(/^unreadable\/[0-9a-f]{64}$/) as string,
    type: 'unreadable',
  });
});

test.each([
  ['without a charge', event('charge.succeeded', null)],
  ['a refund without its charge', event('refund.succeeded', { id: 're_1', amount: 1, status: 'succeeded' })],
  ['a dispute without its charge', event('dispute.opened', { ...dispute, charge_id: undefined })],
])('R7: what is %s is unreadable: whose it is is not known', (_, body) => {
  expect(read(body)).toMatchObject({ ...nothing, ...unreadable(null), id: 'evt_1' });
});

test.each([
  ['a success that says failed', event('charge.succeeded', failed)],
  ['a failure that says succeeded', event('charge.failed', charge)],
  ['a charge of ours without an amount', event('charge.succeeded', { ...charge, amount: undefined })],
])('R7: what is %s is unreadable, and about its payment', (_, body) => {
  expect(read(body)).toMatchObject({ ...nothing, ...unreadable(null), id: 'evt_1', payment_id: 'pay_1' });
});

test.each([
  ['a refund that says something else', event('refund.failed', refund)],
  ['a refund in a new status', event('refund.failed', { ...refund, status: 'under_way' })],
  ['a dispute that says something else', event('dispute.won', dispute)],
])('R7: what is %s is unreadable, and names its charge', (_, body) => {
  expect(read(body)).toMatchObject({ ...nothing, ...unreadable('ch_1'), id: 'evt_1' });
});

test('R7: a charge that is not ours reports nothing, whatever its shape', () => {
  const result = read(event('charge.succeeded', { metadata: {}, amount: 'much' }));
  expect(result).toMatchObject(nothing);
  expect(result).not.toHaveProperty('unreadable');
});

test('what PostgreSQL cannot hold is replaced, and the event is read', () => {
  const body = event('charge.failed', {
    ...failed,
    failure: { code: 'new\u0000code', message: 'half a pair: X' },
  }).replace('X', '\\ud800');
  const { outcome } = read(body);
  expect(outcome?.failure).toMatchObject({
    code: 'do_not_honor',
    provider_code: 'new\ufffdcode',
    message: 'half a pair: \ufffd',
  });
});

test('neither the signature nor anything secret is among the headers that are kept', () => {
  expect(sandboxWebhooks.keptHeaders).toEqual([
    'content-type',
    'user-agent',
    'webhook-id',
    'webhook-timestamp',
  ]);
});
