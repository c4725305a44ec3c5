/**
 * Which part of an amount belongs to which part of a period; the lines of a bill. Pure.
 *
 * Safe for workflows: no clock and no calendar; instants are arguments (RFC 3339 text), a period is what it was
 * stored as. Rule: a part is exact over the whole period in whole seconds and rounded once, half away from zero.
 * Amounts are minor units of one currency; a result that is no safe integer is refused (RangeError), never rounded.
 */

/** From `start`, included, to `end`, excluded; RFC 3339. */
interface Period {
  start: string;
  end: string;
}

/** One line of a bill. A credit's `amount` is negative. */
export interface Line {
  description: string;
  amount: number;
  period: Period;
}

/**
 * The part of `amount`, which is for the whole `period`, that falls on [at, end).
 * @returns all of it when `at` is not after the period's start, 0 when it is not before its end
 * @throws RangeError when an instant cannot be read
 */
export function unusedAmount(amount: number, period: Period, at: string): number {
  const start = wholeSeconds(period.start);
  const end = wholeSeconds(period.end);
  const from = wholeSeconds(at);
  if (from >= end) return 0;
  if (from <= start) return amount;
  return exact(divideHalfAwayFromZero(BigInt(amount) * (end - from), end - start));
}

/** What the lines come to; negative when the credits outweigh. */
export function linesTotal(lines: readonly Line[]): number {
  return exact(lines.reduce((total, line) => total + BigInt(line.amount), 0n));
}

/** Seconds since 1970; what is finer is cut off, at every instant alike. */
function wholeSeconds(instant: string): bigint {
  return BigInt(Math.floor(Date.parse(instant) / 1000));
}

/** @param denominator above 0 */
function divideHalfAwayFromZero(numerator: bigint, denominator: bigint): bigint {
  const half = numerator < 0n ? -denominator : denominator;
  return (2n * numerator + half) / (2n * denominator);
}

function exact(amount: bigint): number {
  const result = Number(amount);
  if (!Number.isSafeInteger(result)) throw new RangeError('the amount is beyond what can be counted exactly');
  return result;
}
