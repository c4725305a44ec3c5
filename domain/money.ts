/**
 * Money: whole minor units of one ISO 4217 currency.
 *
 * Owns: which currencies exist, the bounds of an amount, multiplication that cannot lose a unit, how people read it.
 * Invariant: every amount is a safe integer; a result beyond the bound is refused, never rounded.
 */

/** ISO 4217 codes as known to the runtime's CLDR data. */
const currencies: ReadonlySet<string> = new Set(Intl.supportedValuesOf('currency'));

/** Bound of every stored amount, in minor units; far below 2^53, so that sums of many stay exact. */
export const maxAmount = 999_999_999_999_999;

/** Bound of a plan's price, in minor units. */
export const maxPrice = 999_999_999_999;

/** Bound of a subscription's quantity. */
export const maxQuantity = 1_000_000;

/** True for a code of ISO 4217 in capitals, such as `EUR`. */
export function isCurrency(code: string): boolean {
  return currencies.has(code);
}

/**
 * The amount of one period: price times quantity, in minor units.
 * @returns undefined when the product exceeds {@link maxAmount}
 */
export function periodAmount(priceMinorUnits: number, quantity: number): number | undefined {
  const product = BigInt(priceMinorUnits) * BigInt(quantity);
  return product > BigInt(maxAmount) ? undefined : Number(product);
}

/** As people read it, in the currency's own units: `10.00 EUR`, `1000 JPY`. */
export function moneyText(minorUnits: number, currency: string): string {
  const style = new Intl.NumberFormat('en', { style: 'currency', currency });
  const digits = style.resolvedOptions().maximumFractionDigits ?? 0;
  const units = String(Math.abs(minorUnits)).padStart(digits + 1, '0');
  const whole = units.slice(0, units.length - digits);
  const sign = minorUnits < 0 ? '-' : '';
  const fraction = digits === 0 ? '' : `.${units.slice(-digits)}`;
  return `${sign}${whole}${fraction} ${currency}`;
}
