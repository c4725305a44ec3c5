/**
 * What a change within a period is worth, and who owes it: lines and balance. Pure.
 *
 * Safe for workflows: no clock and no calendar; instants are arguments (RFC 3339 text), a period is what it was
 * stored as. Owns: which part of a price belongs to which part of a period, and how a credit is used up.
 * Rules: a part is exact over the whole period in whole seconds and rounded once for each line, half away from
 * zero; nothing negative is ever charged, and nothing is refunded that was not paid.
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

/** A price of one whole period, and the words its line has. */
interface Price {
  description: string;
  amount: number;
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

/**
 * The lines of a change of price at `at`: what was paid for the rest of the period comes back, what the rest costs
 * from now on is due. Never one line with the difference: the customer sees both sides. A side that amounts to 0
 * has no line.
 */
export function prorationLines(change: { before: Price; after: Price; period: Period; at: string }): Line[] {
  const { before, after, period, at } = change;
  const rest: Period = {
    start: Date.parse(at) < Date.parse(period.start) ? period.start : at,
    end: period.end,
  };
  return [
    { description: before.description, amount: 0 - unusedAmount(before.amount, period, at), period: rest },
    { description: after.description, amount: unusedAmount(after.amount, period, at), period: rest },
  ].filter((line) => line.amount !== 0);
}

/** What the lines come to; negative when the credits outweigh. */
export function linesTotal(lines: readonly Line[]): number {
  return exact(lines.reduce((total, line) => total + BigInt(line.amount), 0n));
}

/**
 * Settles an amount against what is carried: charge and new balance come to what amount and old balance came to.
 * @param amountDue negative when its credits outweigh its debits
 * @param balance negative: a credit carried over; positive: a debit that waits
 * @returns `charge`, 0 or more, and the `balance` afterwards, 0 or less: the credit that could not be used
 */
export function applyBalance(amountDue: number, balance: number): { charge: number; balance: number } {
  const total = exact(BigInt(amountDue) + BigInt(balance));
  return total > 0 ? { charge: total, balance: 0 } : { charge: 0, balance: total };
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
