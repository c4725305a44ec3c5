/**
 * Amounts as Stripe counts them. Both sides use whole minor units, but not of the same size for every currency.
 *
 * Invariant: exact in both directions; what has no exact counterpart is refused, never rounded.
 */

/** ISO 4217 knows no minor unit, Stripe counts hundredths. */
const hundredths: ReadonlySet<string> = new Set(['ISK', 'UGX']);
/** ISO 4217 counts hundredths, Stripe whole ones. */
const wholes: ReadonlySet<string> = new Set(['MGA']);
/** Thousandths on both sides, of which Stripe takes multiples of ten only. */
const thousandths: ReadonlySet<string> = new Set(['BHD', 'JOD', 'KWD', 'OMR', 'TND']);

/** The amount as Stripe wants it; undefined when Stripe cannot charge it. */
export function toStripeAmount(amount: number, currency: string): number | undefined {
  if (hundredths.has(currency)) return amount * 100;
  if (wholes.has(currency)) return amount % 100 === 0 ? amount / 100 : undefined;
  return thousandths.has(currency) && amount % 10 !== 0 ? undefined : amount;
}

/** The amount that Stripe names, in our minor units; undefined when it is none. */
export function fromStripeAmount(amount: number, currency: string): number | undefined {
  if (hundredths.has(currency)) return amount % 100 === 0 ? amount / 100 : undefined;
  return wholes.has(currency) ? amount * 100 : amount;
}
