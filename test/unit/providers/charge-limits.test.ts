/** What each provider charges of a currency: the smallest charge, and the step. */
import fc from 'fast-check';
import { currencyCodes } from '../../../domain/currencies';
import { floorToStep, maxPrice } from '../../../domain/money';
import { sandboxProvider } from '../../../providers/sandbox/adapter';
import { fromStripeAmount, stripeChargeLimits, toStripeAmount } from '../../../providers/stripe/amounts';

describe('stripe', () => {
  /** From https://docs.stripe.com/currencies#minimum-and-maximum-charge-amounts, in our minor units. */
  it.each([
    ['USD', 50, 1],
    ['EUR', 50, 1],
    ['GBP', 30, 1],
    ['JPY', 50, 1],
    ['AED', 200, 1],
    ['CZK', 1_500, 1],
    ['DKK', 250, 1],
    ['HKD', 400, 1],
    ['HUF', 17_500, 1],
    ['MXN', 1_000, 1],
    ['NOK', 300, 1],
    ['PLN', 200, 1],
    ['SEK', 300, 1],
    ['THB', 1_000, 1],
    // Not documented: the equivalent of another currency's.
    ['RUB', 1, 1],
    ['KRW', 1, 1],
    ['ISK', 1, 1],
    ['UGX', 1, 1],
    // Thousandths in tens.
    ['BHD', 10, 10],
    ['JOD', 10, 10],
    ['KWD', 10, 10],
    ['OMR', 10, 10],
    ['TND', 10, 10],
    // Counted in larger units than ours.
    ['MGA', 100, 100],
    ['LYD', 10, 10],
    ['CLF', 100, 100],
  ])('charges %s from %i in steps of %i', (currency, smallest, step) => {
    expect(stripeChargeLimits(currency)).toEqual({ smallest, step });
  });

  it('can be told each amount that the limits let through, and names it back', () => {
    const currencies = fc.constantFrom(...currencyCodes);
    fc.assert(
      fc.property(currencies, fc.integer({ min: 0, max: maxPrice }), (currency, amount) => {
        const charged = floorToStep(amount, stripeChargeLimits(currency));
        const sent = toStripeAmount(charged, currency);
        expect(sent).toBeDefined();
        expect(fromStripeAmount(sent!, currency)).toBe(charged);
      }),
    );
  });

  it.each(['ISK', 'UGX'])('is told %s with two digits that are 00', (currency) => {
    expect(toStripeAmount(1_234, currency)).toBe(123_400);
    expect(fromStripeAmount(123_450, currency)).toBeUndefined();
  });
});

describe('sandbox', () => {
  const baseUrl = 'http://127.0.0.1:1';

  it('charges everything, unless it is told otherwise', () => {
    expect(sandboxProvider({ baseUrl }).chargeLimits('EUR')).toEqual({ smallest: 1, step: 1 });
    const limits = { smallest: 50, step: 10 };
    expect(sandboxProvider({ baseUrl, limits }).chargeLimits('KWD')).toEqual(limits);
  });
});
