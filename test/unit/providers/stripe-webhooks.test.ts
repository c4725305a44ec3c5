/** What is read in Stripe’s webhooks, once it is known that they are Stripe’s. */
import { providerEvent } from '../../../contracts/topics/provider-events';
import { failure } from '../../../domain/payment/payment';
import { stripeWebhooks } from '../../../providers/stripe/webhooks';
import { event, objects, requestWith } from './stripe-events';

const read = (body: object | string) =>
  stripeWebhooks.read(requestWith(typeof body === 'string' ? body : JSON.stringify(body)));
const occurred_at = '2027-03-01T09:00:00.000Z';
const nothing = { id: 'evt_1', occurred_at, payment_id: null, outcome: null, dispute: null, refund: null };
const reported = { attempt: 2, amount: 1500, currency: 'EUR', provider_reference: 'pi_1' };

test.each<[string, object, object]>([
  ['payment_intent.succeeded', objects.taken, { status: 'completed', failure: null }],
  [
    'payment_intent.payment_failed',
    objects.declined,
    {
      status: 'failed',
      failure: failure(
        'insufficient_funds',
        'Stripe declined the payment (insufficient_funds).',
        'insufficient_funds',
      ),
    },
  ],
  [
    'payment_intent.canceled',
    { ...objects.declined, status: 'canceled', cancellation_reason: 'abandoned' },
    {
      status: 'failed',
      failure: failure('not_completed', 'The payment was cancelled at Stripe.', 'canceled'),
    },
  ],
  [
    'payment_intent.processing',
    { ...objects.taken, status: 'processing' },
    { status: 'pending', failure: null },
  ],
  [
    'payment_intent.requires_action',
    { ...objects.taken, status: 'requires_action' },
    { status: 'requires_action', failure: null },
  ],
])('%s tells about the attempt', (type, intent, outcome) => {
  const result = read(event(type, intent));

  expect(result).toEqual({ ...nothing, type, payment_id: 'pay_1', outcome: { ...reported, ...outcome } });
  expect(providerEvent.safeParse(result).success).toBe(true);
});

test('the amount that was received counts, in our minor units', () => {
  const partly = read(event('payment_intent.succeeded', { ...objects.taken, amount_received: 1 }));
  expect(partly.outcome).toMatchObject({ status: 'completed', amount: 1 });

  const kronur = { ...objects.taken, amount: 150_000, amount_received: 150_000, currency: 'isk' };
  expect(read(event('payment_intent.succeeded', kronur)).outcome).toMatchObject({
    amount: 1500,
    currency: 'ISK',
  });
});

const created = 'charge.dispute.created';
const withdrawn = 'charge.dispute.funds_withdrawn';
const reinstated = 'charge.dispute.funds_reinstated';
const closed = 'charge.dispute.closed';
test.each([
  [created, 'needs_response', 'opened'],
  [withdrawn, 'needs_response', 'opened'],
  [withdrawn, 'under_review', 'opened'],
  // Some banks decide at once.
  [created, 'lost', 'lost'],
  [withdrawn, 'lost', 'lost'],
  [closed, 'lost', 'lost'],
  [closed, 'won', 'won'],
  [reinstated, 'won', 'won'],
  [reinstated, 'under_review', 'won'],
  // Of a payment that was refunded in part before: that part alone comes back.
  [reinstated, 'lost', 'lost'],
  // Taken back once more after it was won.
  [withdrawn, 'won', 'opened'],
  [created, 'warning_needs_response', 'inquiry'],
  [closed, 'warning_closed', 'inquiry'],
  [created, 'prevented', 'inquiry'],
])('%s as %s is a dispute that is %s', (type, theirs, status) => {
  const result = read(event(type, { ...objects.dispute, status: theirs }));
  expect(result).toEqual({
    ...nothing,
    type,
    dispute: {
      provider_reference: 'pi_1',
      dispute_reference: 'du_1',
      amount: 1500,
      currency: 'EUR',
      status,
      reason: 'fraudulent',
    },
  });
  expect(providerEvent.safeParse(result).success).toBe(true);
});

test('the reason of a dispute may be missing', () => {
  for (const reason of [null, undefined, 'two words']) {
    expect(read(event(created, { ...objects.dispute, reason })).dispute).not.toHaveProperty('reason');
  }
});

test('the amount of a dispute is in our minor units, whatever was charged', () => {
  const partly = { ...objects.dispute, amount: 40_000, currency: 'isk' };
  expect(read(event(created, partly)).dispute).toMatchObject({ amount: 400, currency: 'ISK' });
});

test.each([
  ['refund.created', 'pending', 'pending'],
  ['refund.created', 'requires_action', 'pending'],
  ['refund.updated', 'succeeded', 'succeeded'],
  ['refund.failed', 'failed', 'failed'],
  ['refund.updated', 'canceled', 'failed'],
  ['charge.refund.updated', 'failed', 'failed'],
])('%s as %s is a refund that is %s', (type, theirs, status) => {
  expect(read(event(type, { ...objects.refund, status: theirs }))).toEqual({
    ...nothing,
    type,
    refund: {
      provider_reference: 're_1',
      charge_reference: 'pi_1',
      idempotency_key: 'pay_1/refund/1',
      amount: 500,
      status,
    },
  });
});

test('a refund that was made by hand at Stripe has no key of ours', () => {
  for (const metadata of [null, {}, { idempotency_key: 'two words' }]) {
    const result = read(event('refund.updated', { ...objects.refund, metadata }));
    expect(result.refund).toMatchObject({ provider_reference: 're_1', idempotency_key: null });
  }
});

test('a refunded charge tells of its newest refund, where it has its refunds', () => {
  const charge = { object: 'charge', id: 'ch_1', payment_intent: 'pi_1', amount_refunded: 900 };
  const older = { ...objects.refund, id: 're_0', amount: 400 };
  const byHand = { ...objects.refund, metadata: {} };
  const refunds = { object: 'list', data: [byHand, older], has_more: false };
  expect(read(event('charge.refunded', { ...charge, refunds })).refund).toEqual({
    provider_reference: 're_1',
    charge_reference: 'pi_1',
    idempotency_key: null,
    amount: 500,
    status: 'succeeded',
  });
  for (const without of [charge, { ...charge, refunds: null }, { ...charge, refunds: { data: [] } }]) {
    expect(read(event('charge.refunded', without))).toEqual({ ...nothing, type: 'charge.refunded' });
  }
});

test('an event without its time has none', () => {
  expect(read(event('invoice.paid', {}, { created: undefined }))).not.toHaveProperty('occurred_at');
});

test.each<[string, object]>([
  ['a type that is not read here', event('invoice.paid', { object: 'invoice' })],
  [
    'an event of a connected account',
    event('payment_intent.succeeded', objects.taken, { account: 'acct_2' }),
  ],
  [
    'an intent that Perennial did not make',
    event('payment_intent.succeeded', { ...objects.taken, metadata: {} }),
  ],
  [
    'an intent with somebody else’s metadata',
    event('payment_intent.succeeded', { ...objects.taken, metadata: { payment_id: '', attempt: '2' } }),
  ],
  [
    'a dispute of a charge without an intent',
    event('charge.dispute.created', { ...objects.dispute, payment_intent: null }),
  ],
  [
    'a refund of a charge without an intent',
    event('refund.updated', { ...objects.refund, payment_intent: null }),
  ],
  ['an event without data', event('payment_intent.created', {}, { data: undefined })],
])('%s says nothing', (_what, body) => {
  expect(read(body)).toMatchObject(nothing);
});

test.each<[string, object]>([
  ['an intent in a currency that is not known', { ...objects.taken, metadata: {}, currency: 'usdc' }],
  ['an intent without any field', { metadata: { order: 'A-1' } }],
  ['an intent whose metadata are a text', { ...objects.taken, metadata: 'pay_1' }],
  ['another object', objects.refund],
])('R7: %s that is not ours reports nothing, whatever its shape', (_what, intent) => {
  expect(read(event('payment_intent.succeeded', intent))).toEqual({
    ...nothing,
    type: 'payment_intent.succeeded',
  });
});

test.each<[string, object]>([
  ['without data', { data: undefined }],
  ['without an object', { data: {} }],
  ['with data that is a text', { data: 'none' }],
  ['of another time than a number', { created: '2027-03-01T09:00:00Z' }],
])('R7: an event of the second API, %s, reports nothing', (_what, more) => {
  const thin = { id: 'evt_2', object: 'v2.core.event', type: 'v1.billing.meter.no_meter_found', ...more };
  const { occurred_at: _at, ...without } = nothing;
  expect(read(thin)).toEqual({ ...without, id: 'evt_2', type: thin.type });
});

test.each<[string, string, object]>([
  ['a success that is none', 'payment_intent.succeeded', { ...objects.taken, status: 'processing' }],
  ['an amount as text', 'payment_intent.succeeded', { ...objects.taken, amount_received: '1500' }],
  ['a currency that is not known', 'payment_intent.succeeded', { ...objects.taken, currency: 'usdc' }],
  ['another object', 'payment_intent.succeeded', { ...objects.taken, object: 'payment_record' }],
])('R7: an intent of ours with %s is unreadable, and about its payment', (_what, type, intent) => {
  const result = read(event(type, intent));
  const unreadable = { reason: expect.any(String) as string, charge_reference: null };
  expect(result).toEqual({ ...nothing, type, payment_id: 'pay_1', unreadable });
  expect(providerEvent.safeParse(result).success).toBe(true);
});

test.each<[string, string, object]>([
  ['a refund in a new status', 'refund.updated', { ...objects.refund, status: 'under_way' }],
  ['a refund in a status that every object has', 'refund.updated', { ...objects.refund, status: 'toString' }],
  ['a refund without an amount', 'refund.updated', { ...objects.refund, amount: undefined }],
  [
    'a refund whose intent is expanded',
    'refund.updated',
    { ...objects.refund, payment_intent: { id: 'pi_1' } },
  ],
  ['a dispute that is closed as something new', closed, { ...objects.dispute, status: 'of_next_year' }],
  ['a dispute in a currency that is not known', created, { ...objects.dispute, currency: 'usdc' }],
])('R7: %s is unreadable, and names its charge', (_what, type, object) => {
  const unreadable = { reason: expect.any(String) as string, charge_reference: 'pi_1' };
  expect(read(event(type, object))).toEqual({ ...nothing, type, unreadable });
});

test.each<[string, string]>([
  ['an intent', 'payment_intent.succeeded'],
  ['a refund', 'refund.updated'],
  ['a dispute', created],
  ['a refunded charge', 'charge.refunded'],
])('R7: %s that is not there is unreadable: whose it is is not known', (_what, type) => {
  const unreadable = { reason: expect.any(String) as string, charge_reference: null };
  for (const data of [undefined, {}, { object: 'gone' }, { object: null }]) {
    expect(read(event(type, {}, { data }))).toEqual({ ...nothing, type, unreadable });
  }
});

test.each<[string, string | Buffer]>([
  ['not JSON', '{"id":"evt_1"'],
  ['nothing', ''],
  ['null', 'null'],
  ['a list', '[]'],
  ['without an id', JSON.stringify({ ...event('refund.updated', objects.refund), id: undefined })],
  ['with a line break in its id', JSON.stringify({ ...event('x', {}), id: 'evt\n1' })],
  ['without a type', JSON.stringify({ ...event('x', {}), type: null })],
  [
    'not UTF-8',
    Buffer.concat([Buffer.from('{"id":"evt_1","type":"x","y":"'), Buffer.from([0xff]), Buffer.from('"}')]),
  ],
])('R7: what is %s is one unreadable event, named by its bytes', (_what, body) => {
  const result = stripeWebhooks.read(requestWith(body));
  expect(result).toMatchObject({
    id: expect.stringMatching(/^unreadable\/[0-9a-f]{64}$/) as string,
    type: 'unreadable',
    payment_id: null,
    unreadable: { charge_reference: null },
  });
  expect(stripeWebhooks.read(requestWith(body))).toEqual(result);
  expect(stripeWebhooks.read(requestWith(`${body.toString()} `)).id).not.toBe(result.id);
  expect(providerEvent.safeParse(result).success).toBe(true);
});

test('no header that holds a signature is kept', () => {
  expect(stripeWebhooks.keptHeaders).not.toContain('stripe-signature');
});
