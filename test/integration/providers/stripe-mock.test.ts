/** The Stripe adapter’s requests, judged by Stripe’s own description of its API. */
import type { ChargeRequest } from '../../../providers/port';
import { stripeProvider } from '../../../providers/stripe/adapter';
import { startStripeMock, type RunningStripeMock } from './running-stripe-mock';

let stripe: RunningStripeMock;

beforeAll(async () => {
  stripe = await startStripeMock();
});
afterAll(async () => {
  await stripe?.stop();
});
beforeEach(() => {
  stripe.seen.length = 0;
});

const timeoutMs = 20_000;
const charge: ChargeRequest = {
  idempotencyKey: 'pay_1/1',
  amount: 1500,
  currency: 'USD',
  token: 'pm_1',
  offSession: true,
  paymentId: 'pay_1',
  attempt: 1,
  subscriptionId: 'sub_1',
  customerId: 'cus_1',
  providerCustomer: 'cus_Stripe1',
};
const provider = (returnUrl?: string) =>
  stripeProvider({ secretKey: 'sk_test_1', apiUrl: stripe.apiUrl, returnUrl });

test.each([
  [true, undefined],
  [true, 'https://shop.example/back'],
  [false, undefined],
  [false, 'https://shop.example/back'],
])(
  'a charge (off session: %s, page to come back to: %s) is a request that Stripe takes',
  async (offSession, page) => {
    const outcome = await provider(page).charge({ ...charge, offSession }, timeoutMs);

    expect(stripe.seen).toEqual([{ request: 'POST /v1/payment_intents', status: 200 }]);
    // Its example is nobody's intent, whatever was asked for.
    expect(outcome).toEqual({ status: 'unknown', reason: 'unreadable_answer' });
  },
);

test('a lookup is one, and Stripe’s example list is read', async () => {
  const outcome = await provider().lookup({ ...charge, startedAt: '2027-03-01T09:00:00.000Z' }, timeoutMs);

  expect(stripe.seen).toEqual([{ request: 'GET /v1/payment_intents', status: 200 }]);
  expect(outcome).toEqual({ status: 'not_found' });
});

test('a cancellation is one, and Stripe’s example is of no attempt of ours', async () => {
  const request = { ...charge, startedAt: '2027-03-01T09:00:00.000Z', providerReference: 'pi_1' };
  const outcome = await provider().cancel?.(request, timeoutMs);

  expect(stripe.seen).toEqual([{ request: 'POST /v1/payment_intents/pi_1/cancel', status: 200 }]);
  expect(outcome).toEqual({ status: 'unknown', reason: 'unreadable_answer' });
});

test('a refund is one, and Stripe’s answer is read', async () => {
  const outcome = await provider().refund(
    {
      idempotencyKey: 'pay_1/refund/1',
      providerReference: 'pi_1',
      amount: 500,
      currency: 'USD',
      paymentId: 'pay_1',
    },
    timeoutMs,
  );

  expect(stripe.seen).toEqual([
    { request: 'GET /v1/refunds', status: 200 },
    { request: 'POST /v1/refunds', status: 200 },
  ]);
  expect(outcome).toMatchObject({ status: 'succeeded' });
});

test('a payment method is read, given a customer, and ready', async () => {
  const outcome = await provider().ensurePaymentMethod?.(
    { ...charge, knownProviderCustomer: null },
    timeoutMs,
  );

  expect(stripe.seen).toEqual([
    { request: 'GET /v1/payment_methods/pm_1', status: 200 },
    { request: 'POST /v1/customers', status: 200 },
    { request: 'POST /v1/payment_methods/pm_1/attach', status: 200 },
  ]);
  expect(outcome).toMatchObject({ status: 'ready' });
});

test('the stand-in does judge: a parameter that Stripe does not have is refused', async () => {
  const answer = await fetch(`${stripe.apiUrl}/v1/payment_intents`, {
    method: 'POST',
    headers: { authorization: 'Bearer sk_test_1' },
    body: new URLSearchParams({ amount: '1500', currency: 'usd', no_such_parameter: '1' }),
  });

  expect(answer.status).toBe(400);
  expect(stripe.seen[0]?.message).toContain('additional properties are not allowed');
});
