/** How a PaymentMethod comes to belong to a Stripe customer, so that it can be charged off session. */
import { stripeProvider } from '../../../providers/stripe/adapter';
import { serverThat, stopServer, textOf } from './answering-server';
import { stripeError } from './contract/stripe-wire';
import type { Reply } from './contract/wire';

afterEach(stopServer);

const card = { fingerprint: 'Xt5EWLLDS7FJjR1c' };
const method = (customer: string | null, more: object = { card }): Reply => ({
  status: 200,
  body: { object: 'payment_method', id: 'pm_1', customer, ...more },
});
const customer = (id: string): Reply => ({ status: 200, body: { object: 'customer', id } });

/** What ensuring comes to when Stripe gives these answers in turn, and what Stripe was asked. */
async function ensured(replies: Reply[], knownProviderCustomer: string | null = null) {
  const seen: unknown[] = [];
  const apiUrl = await serverThat((req, res) => {
    void textOf(req).then((text) => {
      const parameters = Object.fromEntries(new URLSearchParams(text));
      const { status, body } = replies[seen.length] ?? { status: 500, body: '' };
      seen.push([`${req.method} ${req.url}`, ...(text === '' ? [] : [parameters])]);
      res.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
    });
  });
  const provider = stripeProvider({ secretKey: 'sk_test_1', apiUrl });
  const request = { idempotencyKey: 'pay_1/1', token: 'pm_1', customerId: 'cus_ours', knownProviderCustomer };
  return { outcome: await provider.ensurePaymentMethod?.(request, 10_000), seen };
}

const read = ['GET /v1/payment_methods/pm_1'];
const attach = (to: string) => ['POST /v1/payment_methods/pm_1/attach', { customer: to }];
const make = ['POST /v1/customers', { 'metadata[customer_id]': 'cus_ours' }];

const ready = (owner: string, fingerprint: string | null = card.fingerprint) => ({
  status: 'ready',
  provider_customer: owner,
  fingerprint,
});

test('a method that belongs to a Stripe customer is taken as it is', async () => {
  expect(await ensured([method('cus_a')])).toEqual({
    outcome: ready('cus_a'),
    seen: [read],
  });
});

test('one that belongs to nobody is attached to a new customer', async () => {
  expect(await ensured([method(null), customer('cus_new'), method('cus_new')])).toEqual({
    outcome: ready('cus_new'),
    seen: [read, make, attach('cus_new')],
  });
});

test.each([
  ['no card', {}],
  ['a card of which nothing is told', { card: { fingerprint: null } }],
  ['a fingerprint that is none', { card: { fingerprint: 'two words' } }],
])('what has %s is ready without a fingerprint', async (_what, more) => {
  expect((await ensured([method('cus_a', more)])).outcome).toEqual(ready('cus_a', null));
});

test('or to the customer of their other methods', async () => {
  expect(await ensured([method(null), method('cus_known')], 'cus_known')).toEqual({
    outcome: ready('cus_known'),
    seen: [read, attach('cus_known')],
  });
});

test('or to a new one when that customer was deleted at Stripe', async () => {
  const gone = stripeError(400, { code: 'resource_missing', param: 'customer' });

  expect(await ensured([method(null), gone, customer('cus_new'), method('cus_new')], 'cus_gone')).toEqual({
    outcome: ready('cus_new'),
    seen: [read, attach('cus_gone'), make, attach('cus_new')],
  });
});

test('who attached it meanwhile has it', async () => {
  const refused = stripeError(400, { code: 'payment_method_unexpected_state' });

  expect(await ensured([method(null), customer('cus_new'), refused, method('cus_rival')])).toEqual({
    outcome: ready('cus_rival'),
    seen: [read, make, attach('cus_new'), read],
  });
});

test.each<[string, Reply[], object]>([
  [
    'a method that Stripe does not know',
    [stripeError(404, { code: 'resource_missing', param: 'payment_method' })],
    { code: 'invalid_payment_method', category: 'hard' },
  ],
  [
    'a card that the bank refuses when it is attached',
    [
      method(null),
      customer('cus_new'),
      stripeError(402, { type: 'card_error', code: 'card_declined', decline_code: 'stolen_card' }),
    ],
    { code: 'stolen_or_lost', category: 'hard' },
  ],
  [
    'a method that was used up',
    [method(null), customer('cus_new'), stripeError(400, {}), method(null)],
    { code: 'invalid_payment_method', category: 'hard' },
  ],
])('%s fails', async (_what, replies, why) => {
  const { outcome } = await ensured(replies);

  expect(outcome).toMatchObject({ status: 'failed', provider_reference: null, failure: why });
});

test.each<[string, Reply[], string]>([
  ['no answer about the method', [{ status: 503, body: '' }], 'http_503'],
  [
    'another method',
    [{ status: 200, body: { object: 'payment_method', id: 'pm_2', customer: 'cus_a' } }],
    'unreadable_answer',
  ],
  ['a refused customer', [method(null), stripeError(400, {})], 'http_400'],
  ['no answer about the customer', [method(null), { status: 429, body: '' }], 'rate_limited'],
  ['no answer to attaching', [method(null), customer('cus_new'), { status: 500, body: '' }], 'http_500'],
  ['attached to somebody else', [method(null), customer('cus_new'), method('cus_x')], 'unreadable_answer'],
  ['a key without the permission', [stripeError(403, {})], 'http_403'],
])('%s is unknown', async (_what, replies, reason) => {
  expect((await ensured(replies)).outcome).toEqual({ status: 'unknown', reason });
});
