/** How the Stripe adapter finds charges and refunds that were asked for before. */
import { given, ok, stopStripe, timeoutMs } from './answering-stripe';
import { stripeWire, takenIntent } from './contract/stripe-wire';

afterEach(stopStripe);

describe('looking up', () => {
  const { lookup } = stripeWire;
  const other = (id: string) => ({ ...takenIntent, id, metadata: { payment_id: 'pay_2', attempt: '1' } });

  test('pages through the customer’s intents since the attempt began, and never searches', async () => {
    const { provider, seen } = await given([
      stripeWire.found([other('pi_8'), other('pi_7')], true),
      stripeWire.found([other('pi_6'), takenIntent], true),
      stripeWire.found([other('pi_5')]),
    ]);

    expect(await provider.lookup(lookup, timeoutMs)).toEqual({
      status: 'completed',
      provider_reference: 'pi_1',
    });
    const common = {
      customer: 'cus_Stripe1',
      // 2027-03-01T09:00:00Z less five minutes.
      'created[gte]': '1803891300',
      limit: '50',
    };
    expect(seen.map(({ request, parameters }) => ({ request, parameters }))).toEqual([
      { request: 'GET /v1/payment_intents', parameters: common },
      { request: 'GET /v1/payment_intents', parameters: { ...common, starting_after: 'pi_7' } },
      { request: 'GET /v1/payment_intents', parameters: { ...common, starting_after: 'pi_1' } },
    ]);
  });

  test('it is not found only when the last page was seen', async () => {
    const { provider } = await given([
      stripeWire.found([other('pi_8')], true),
      stripeWire.found([other('pi_7')]),
    ]);
    expect(await provider.lookup(lookup, timeoutMs)).toEqual({ status: 'not_found' });

    const broken = await given([stripeWire.found([other('pi_8')], true), { status: 503, body: '' }]);
    expect(await broken.provider.lookup(lookup, timeoutMs)).toEqual({
      status: 'unknown',
      reason: 'http_503',
    });
  });

  test('it ends after ten pages, whatever Stripe says', async () => {
    const pages = Array.from({ length: 30 }, (_, page) => stripeWire.found([other(`pi_${page}`)], true));
    const { provider, seen } = await given(pages);

    expect(await provider.lookup(lookup, timeoutMs)).toEqual({
      status: 'unknown',
      reason: 'too_many_charges',
    });
    expect(seen).toHaveLength(10);
  });

  test('intents that Perennial did not make are passed over', async () => {
    const strangers = [{}, { payment_id: 'pay_1' }, { attempt: '2' }, { payment_id: 'pay_1', attempt: 'x' }];
    const { provider } = await given([
      stripeWire.found(strangers.map((metadata, n) => ({ ...takenIntent, id: `pi_x${n}`, metadata }))),
    ]);

    expect(await provider.lookup(lookup, timeoutMs)).toEqual({ status: 'not_found' });
  });

  test('without a Stripe customer no charge was ever sent, and Stripe is not asked', async () => {
    const { provider, seen } = await given([]);

    expect(await provider.lookup({ ...lookup, providerCustomer: null }, timeoutMs)).toEqual({
      status: 'not_found',
    });
    expect(seen).toEqual([]);
  });

  test('an intent that is not confirmed yet is in progress', async () => {
    for (const status of ['requires_confirmation', 'requires_payment_method']) {
      const { provider } = await given([stripeWire.found([{ ...takenIntent, status }])]);
      expect(await provider.lookup(lookup, timeoutMs)).toEqual({ status: 'unknown', reason: 'in_progress' });
    }
  });
});

describe('refunding', () => {
  const { refund } = stripeWire;
  const made = stripeWire.refunded('succeeded');

  test('looks for the refund before it makes one', async () => {
    const { provider, seen } = await given([stripeWire.found([]), ok(made)]);

    await provider.refund(refund, timeoutMs);

    expect(seen.map(({ request, key, parameters }) => ({ request, key, parameters }))).toEqual([
      { request: 'GET /v1/refunds', key: undefined, parameters: { payment_intent: 'pi_1', limit: '100' } },
      {
        request: 'POST /v1/refunds',
        key: 'pay_1/refund/1',
        parameters: {
          payment_intent: 'pi_1',
          amount: '500',
          'metadata[payment_id]': 'pay_1',
          'metadata[idempotency_key]': 'pay_1/refund/1',
        },
      },
    ]);
  });

  test('one that was made long ago is not made again, though Stripe forgot the key', async () => {
    const { provider, seen } = await given([stripeWire.found([{ ...made, id: 're_0', metadata: {} }, made])]);

    expect(await provider.refund(refund, timeoutMs)).toEqual({
      status: 'succeeded',
      provider_reference: 're_1',
    });
    expect(seen).toHaveLength(1);
  });

  test('none is made while Stripe does not tell of those before', async () => {
    for (const reply of [{ status: 503, body: '' }, stripeWire.found([], true)]) {
      const { provider, seen } = await given([reply]);
      expect(await provider.refund(refund, timeoutMs)).toMatchObject({ status: 'unknown' });
      expect(seen).toHaveLength(1);
    }
  });

  test('a refund that waits for the customer is pending, one that was cancelled failed', async () => {
    const waiting = await given([stripeWire.found([]), ok({ ...made, status: 'requires_action' })]);
    expect(await waiting.provider.refund(refund, timeoutMs)).toMatchObject({ status: 'pending' });

    const cancelled = await given([stripeWire.found([]), ok({ ...made, status: 'canceled' })]);
    expect(await cancelled.provider.refund(refund, timeoutMs)).toEqual({
      status: 'failed',
      provider_reference: 're_1',
      reason: 'canceled',
    });
  });
});
