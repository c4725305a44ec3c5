/**
 * Money: whole minor units of one ISO 4217 currency.
 *
 * Owns: the bounds of an amount, multiplication that cannot lose a unit, how people read it. Does not own which
 * currencies exist (`currencies.ts`).
 * Invariant: every amount is a safe integer; a result beyond the bound is refused, never rounded.
 */
import { currencyDigits } from './currencies';

/** Bound of every stored amount, in minor units; far below 2^53, so that sums of many stay exact. */
export const maxAmount = 999_999_999_999_999;

/** Bound of a plan's price, in minor units. */
export const maxPrice = 999_999_999_999;

/** Bound of a subscription's quantity. */
export const maxQuantity = 1_000_000;

/**
 * The amount of one period: price times quantity, in minor units.
 * @returns undefined when the product exceeds {@link maxAmount}
 */
export function periodAmount(priceMinorUnits: number, quantity: number): number | undefined {
  const product = BigInt(priceMinorUnits) * BigInt(quantity);
  return product > BigInt(maxAmount) ? undefined : Number(product);
}

/** What of a currency a provider charges, in minor units: at least `smallest`, and multiples of `step` only. */
export interface ChargeLimits {
  /** At least 1. */
  smallest: number;
  /** At least 1. */
  step: number;
}

/**
 * The most of an amount that can be charged now: the largest multiple of the step that is not more.
 * @returns 0 when that is less than the smallest charge
 */
export function floorToStep(amount: number, { smallest, step }: ChargeLimits): number {
  const floored = amount - (amount % step);
  return floored < smallest ? 0 : floored;
}

/** The most periods that a price may be carried through until it is charged. */
const mostPeriodsCarried = 3;

/**
 * The smallest price of a period that is charged often enough: three of them reach the smallest charge.
 * A price below it, other than 0, would be owed for longer than it is worth.
 */
export function smallestPrice({ smallest, step }: ChargeLimits): number {
  return Math.ceil((Math.ceil(smallest / step) * step) / mostPeriodsCarried);
}

/**
 * The amount in the currency's own units, exact: minor units become decimals without a division.
 * @returns such as `-10.50` for -1050 of EUR, `1000` for 1000 of JPY
 */
export function decimalText(minorUnits: number, currency: string): string {
  const digits = currencyDigits(currency);
  const units = String(Math.abs(minorUnits)).padStart(digits + 1, '0');
  const sign = minorUnits < 0 ? '-' : '';
  return digits === 0 ? `${sign}${units}` : `${sign}${units.slice(0, -digits)}.${units.slice(-digits)}`;
}

/** As people read it, in the currency's own units: `10.00 EUR`, `1000 JPY`. */
export function moneyText(minorUnits: number, currency: string): string {
  return `${decimalText(minorUnits, currency)} ${currency}`;
}

/** As callers write it, and as people read it: `1000 in minor units (10.00 EUR)`. */
export function minorUnitsText(minorUnits: number, currency: string): string {
  return `${minorUnits} in minor units (${moneyText(minorUnits, currency)})`;
}
