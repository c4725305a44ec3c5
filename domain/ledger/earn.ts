/** Earning: what of a period's money belongs to time that has passed. Pure. */
import { unusedAmount } from '../subscription/proration';
import type { Posting } from './posting';
import { isGrant, owed, totalOf } from './state';

/**
 * Earns what falls on the time until `at`, at most until the end of the period: grants first, then payments, oldest
 * first, then what is owed.
 */
export function earnUntil(posting: Posting, at: string): void {
  const { period, earnedUntil: from } = posting;
  if (period === null || from === null) return;
  const until = Date.parse(at) < Date.parse(period.end) ? at : period.end;
  if (Date.parse(until) <= Date.parse(from)) return;
  const unearned = totalOf(posting, 'unearned');
  let passed = unearned - unusedAmount(unearned, { start: from, end: period.end }, until);
  for (const { source, unearned: left } of posting.funds) {
    const amount = Math.min(left, passed);
    posting.post('unearned', source, amount);
    posting.post('earned', source, -amount);
    passed -= amount;
  }
  posting.earnedTo(until);
}

/**
 * Takes back what is neither served nor paid: service still to come, against what is owed for it.
 * @param of which sources; default: all
 */
export function cancelUnpaidService(posting: Posting, of: (source: string) => boolean = () => true): void {
  for (const { source, unearned, receivable } of posting.funds) {
    if (!of(source)) continue;
    const amount = Math.min(unearned, receivable);
    posting.post('unearned', source, amount);
    posting.post('receivable', source, -amount);
  }
}

/** Returns service still to come to the credit that its source has. @param of which sources; default: all */
export function returnToCredit(posting: Posting, of: (source: string) => boolean = () => true): void {
  for (const { source, unearned } of posting.funds) {
    if (source === owed || !of(source)) continue;
    posting.post('unearned', source, unearned);
    posting.post('credit', source, -unearned);
  }
}

/** Gives up service still to come: the time passes without it. */
export function forfeit(posting: Posting, of: (source: string) => boolean = () => true): void {
  for (const { source, unearned } of posting.funds) {
    if (!of(source)) continue;
    posting.post('unearned', source, unearned);
    posting.post('forfeited', source, -unearned);
    posting.rememberUsed(source, unearned);
  }
}

/** Whether a source's money is free to be moved: all but what a dispute blocks. */
export function isFree(blocked: readonly string[]): (source: string) => boolean {
  return (source) => isGrant(source) || !blocked.includes(source);
}
