/**
 * Amounts as Stripe counts them, and which of them it charges. Both sides use whole minor units, but not of the same
 * size for every currency.
 *
 * From https://docs.stripe.com/currencies, sections “Zero-decimal currencies”, “Three-decimal currencies”, “Special
 * cases” and “Minimum and maximum charge amounts”. Invariant: exact in both directions; what has no exact counterpart is
 * refused, never rounded.
 */
import { currencyDigits } from '../../domain/currencies';
import type { ChargeLimits } from '../../domain/money';

/** Stripe counts whole ones. ISO 4217 does, too, except for MGA. ISK and UGX are no part of these: their amounts have
 * two digits that are always 00. */
const withoutDigits: ReadonlySet<string> = new Set(
  'BIF CLP DJF GNF JPY KMF KRW MGA PYG RWF VND VUV XAF XOF XPF'.split(' '),
);
/** Stripe counts thousandths, of which it takes multiples of ten only. */
const withThreeDigits: ReadonlySet<string> = new Set(['BHD', 'JOD', 'KWD', 'OMR', 'TND']);

/**
 * Smallest charges, in Stripe's minor units, which are ours for each of these. Stripe documents them by the currency of
 * the account's bank account; charges in other currencies have to reach their equivalent, which nobody knows in advance.
 */
const smallestCharges: ReadonlyMap<string, number> = new Map(
  Object.entries({
    USD: 50,
    AED: 200,
    AUD: 50,
    BGN: 100,
    BRL: 50,
    CAD: 50,
    CHF: 50,
    CZK: 1_500,
    DKK: 250,
    EUR: 50,
    GBP: 30,
    HKD: 400,
    HUF: 17_500,
    INR: 50,
    JPY: 50,
    MXN: 1_000,
    MYR: 200,
    NOK: 300,
    NZD: 50,
    PLN: 200,
    RON: 200,
    SEK: 300,
    SGD: 50,
    THB: 1_000,
  }),
);

/** How many digits Stripe's minor unit has; two where its documentation says nothing else. */
function stripeDigits(currency: string): number {
  if (withoutDigits.has(currency)) return 0;
  return withThreeDigits.has(currency) ? 3 : 2;
}

/** The amount as Stripe wants it; undefined when Stripe cannot charge it. */
export function toStripeAmount(amount: number, currency: string): number | undefined {
  if (amount % stepOf(currency) !== 0) return undefined;
  const digits = stripeDigits(currency) - currencyDigits(currency);
  const converted = digits < 0 ? amount / 10 ** -digits : amount * 10 ** digits;
  return Number.isSafeInteger(converted) ? converted : undefined;
}

/** The amount that Stripe names, in our minor units; undefined when it is none. */
export function fromStripeAmount(amount: number, currency: string): number | undefined {
  const digits = currencyDigits(currency) - stripeDigits(currency);
  const converted = digits < 0 ? amount / 10 ** -digits : amount * 10 ** digits;
  return Number.isSafeInteger(converted) ? converted : undefined;
}

/** Of what every amount is a multiple, in our minor units: tens of thousandths, and Stripe's unit where it is larger. */
function stepOf(currency: string): number {
  if (withThreeDigits.has(currency)) return 10;
  return 10 ** Math.max(0, currencyDigits(currency) - stripeDigits(currency));
}

/** The smallest charge and the step of all charges, in our minor units. */
export function stripeChargeLimits(currency: string): ChargeLimits {
  const step = stepOf(currency);
  return { smallest: smallestCharges.get(currency) ?? step, step };
}
