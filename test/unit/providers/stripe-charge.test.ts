/** How the Stripe adapter asks for money, and what it makes of Stripe’s ways to say no. */
import { isAmountFault } from '../../../domain/payment/payment';
import { given, ok, secretKey, stopStripe, timeoutMs } from './answering-stripe';
import { stripeError, stripeWire, takenIntent } from './contract/stripe-wire';

afterEach(stopStripe);

describe('charging', () => {
  const { charge } = stripeWire;
  const metadata = {
    'metadata[payment_id]': 'pay_1',
    'metadata[attempt]': '2',
    'metadata[customer_id]': 'cus_1',
  };

  test('off session: one PaymentIntent, confirmed at once, with our key and what it is for', async () => {
    const { provider, seen } = await given([ok(takenIntent)]);

    await provider.charge({ ...charge, subscriptionId: 'sub_1' }, timeoutMs);

    expect(seen).toHaveLength(1);
    expect(seen[0]).toMatchObject({
      request: 'POST /v1/payment_intents',
      key: 'pay_1/2',
      headers: { authorization: `Bearer ${secretKey}` },
    });
    expect(seen[0]?.parameters).toEqual({
      amount: '1500',
      currency: 'eur',
      customer: 'cus_Stripe1',
      payment_method: 'pm_secret',
      confirm: 'true',
      off_session: 'true',
      'automatic_payment_methods[enabled]': 'true',
      'automatic_payment_methods[allow_redirects]': 'never',
      ...metadata,
      'metadata[subscription_id]': 'sub_1',
    });
  });

  test('on session the method is set up for later, and the customer has a page to come back to', async () => {
    const { provider, seen } = await given([ok(takenIntent)], { returnUrl: 'https://shop.example/back' });

    await provider.charge({ ...charge, offSession: false }, timeoutMs);

    expect(seen[0]?.parameters).toEqual({
      amount: '1500',
      currency: 'eur',
      customer: 'cus_Stripe1',
      payment_method: 'pm_secret',
      confirm: 'true',
      setup_future_usage: 'off_session',
      'automatic_payment_methods[enabled]': 'true',
      return_url: 'https://shop.example/back',
      ...metadata,
    });
  });

  test('nothing is told about earlier calls', async () => {
    const { provider, seen } = await given([ok(takenIntent), ok(takenIntent)]);

    await provider.charge(charge, timeoutMs);
    await provider.charge(charge, timeoutMs);

    expect(seen.map(({ headers }) => headers['x-stripe-client-telemetry'])).toEqual([undefined, undefined]);
  });

  test.each([
    ['ISK', 1500, '150000'],
    ['UGX', 1500, '150000'],
    ['JPY', 1500, '1500'],
    ['HUF', 1500, '1500'],
    ['MGA', 1500, '15'],
    ['KWD', 1500, '1500'],
    ['UYI', 15, '1500'],
    ['LYD', 1500, '150'],
    ['CLF', 1500, '15'],
  ])('%s %i is %s to Stripe', async (currency, amount, sent) => {
    const { provider, seen } = await given([
      ok({
        ...takenIntent,
        amount: Number(sent),
        amount_received: Number(sent),
        currency: currency.toLowerCase(),
      }),
    ]);

    const outcome = await provider.charge({ ...charge, amount, currency }, timeoutMs);

    expect(seen[0]?.parameters['amount']).toBe(sent);
    expect(outcome).toMatchObject({ status: 'completed' });
  });

  test.each([
    ['MGA', 1550],
    ['KWD', 1501],
    ['LYD', 1501],
    ['CLF', 1510],
    ['ISK', 999_999_999_999_999],
  ])(
    '%s %i cannot be said to Stripe, which is not asked, and the card is as good as before',
    async (currency, amount) => {
      const { provider, seen } = await given([]);

      const outcome = await provider.charge({ ...charge, amount, currency }, timeoutMs);

      expect(outcome).toMatchObject({ status: 'failed', failure: { category: 'soft' } });
      expect(outcome.status === 'failed' && isAmountFault(outcome.failure)).toBe(true);
      expect(seen).toEqual([]);
    },
  );

  test('money received in part is a mismatch', async () => {
    const { provider } = await given([ok({ ...takenIntent, amount_received: 1 })]);

    expect(await provider.charge(charge, timeoutMs)).toEqual({
      status: 'unknown',
      reason: 'amount_mismatch',
      named: { amount: 1, currency: 'EUR', provider_reference: 'pi_1' },
    });
  });

  test('a refusal that shows the charge as taken is no decline', async () => {
    const { provider } = await given([
      stripeError(402, { type: 'card_error', code: 'card_declined', payment_intent: takenIntent }),
    ]);

    expect(await provider.charge(charge, timeoutMs)).toEqual({
      status: 'completed',
      provider_reference: 'pi_1',
    });
  });

  test.each([
    [{ code: 'resource_missing', param: 'customer' }, 'invalid_payment_method'],
    [{ code: 'payment_intent_mandate_invalid' }, 'revoked_authorization'],
    [{ code: 'amount_too_small' }, 'processing_error'],
    [{ code: 'amount_too_large' }, 'processing_error'],
    [{ code: 'invalid_charge_amount' }, 'processing_error'],
  ])('a request refused for %j is declined', async (error, code) => {
    const { provider } = await given([stripeError(400, error)]);

    expect(await provider.charge(charge, timeoutMs)).toMatchObject({ status: 'failed', failure: { code } });
  });

  test.each([{ code: 'parameter_missing', param: 'amount' }, { code: 'resource_missing', param: 'x' }, {}])(
    'a request refused for %j says nothing about the payment',
    async (error) => {
      const { provider } = await given([stripeError(400, error)]);

      expect(await provider.charge(charge, timeoutMs)).toEqual({ status: 'unknown', reason: 'http_400' });
    },
  );

  test('an intent cancelled at Stripe was never completed, or was fraud', async () => {
    const cancelled = { ...takenIntent, amount_received: 0, status: 'canceled' };
    const codes = [];
    for (const cancellation_reason of ['abandoned', 'fraudulent', null]) {
      const { provider } = await given([stripeWire.found([{ ...cancelled, cancellation_reason }])]);
      const outcome = await provider.lookup(stripeWire.lookup, timeoutMs);
      codes.push(outcome.status === 'failed' && outcome.failure.code);
    }
    expect(codes).toEqual(['not_completed', 'fraud_suspected', 'not_completed']);
  });
});
