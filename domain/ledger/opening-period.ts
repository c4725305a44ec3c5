/**
 * What is left of a period that was bought before the ledger, and which money it stands for.
 *
 * Pure. Rules: what is left is never more than the present price of the rest, and never more than was paid for it; older
 * money is earned first, so that the newest money is what is left; money of earlier periods counts only where the
 * period's own payments did not pay it.
 */
import { unusedAmount, type Line } from '../subscription/proration';
import { sumsOf, type OldPayment } from './opening-facts';

/** The present period as its rows say it. */
export interface OldPeriod {
  index: number;
  start: string;
  end: string;
  paid: boolean;
  /** What it cost when it opened, minor units. */
  price: number;
}

/** What one payment stands at, while it is assigned. */
export interface Share {
  payment: OldPayment;
  /** Of its money, what nothing has claimed yet. */
  free: number;
  /** Of the money that is free, what the period may have at most. */
  forPeriod: number;
  unearned: number;
  used: number;
  credit: number;
}

export interface PeriodToAssign {
  period: OldPeriod;
  /** Of a whole period by now. */
  price: number;
  now: string;
  /** The payment that the period still waits for: it stands for it with what is owed. */
  unpaid: OldPayment | null;
}

/** The shares of payments, oldest first, and what of the present period they may stand for. */
export function sharesOf(payments: readonly OldPayment[], toAssign: PeriodToAssign | null): Share[] {
  return payments.map((payment) => {
    const isUnpaid = toAssign !== null && toAssign.unpaid?.id === payment.id;
    const free = isUnpaid ? payment.amount : sumsOf(payment).left;
    const none = { unearned: 0, used: 0, credit: 0 };
    if (toAssign === null) return { payment, free, forPeriod: 0, ...none };
    const forPeriod = Math.min(free, boughtBy(payment, toAssign.period));
    return { payment, free, forPeriod, ...none };
  });
}

/**
 * Assigns what is left of the period to its money, newest first.
 * @returns what older money, as credit, paid of the period and has been used
 */
export function assignUnearned(shares: readonly Share[], { period, price, now }: PeriodToAssign): number {
  const own = shares.filter(({ payment }) => payment.period_index === period.index);
  const changes = own.filter(({ payment }) => isChangeWithin(payment, period));
  const ofChanges = changes.reduce((sum, { forPeriod, payment: { created_at: start } }) => {
    return sum + unusedAmount(forPeriod, { start, end: period.end }, now);
  }, 0);
  const paid = unusedAmount(period.price, period, now) + ofChanges;
  let left = Math.min(unusedAmount(price, period, now), paid);
  const charged = own
    .filter((share) => !changes.includes(share))
    .reduce((sum, { payment }) => sum + boughtBy(payment, period), 0);
  for (const share of own.toReversed()) {
    const amount = Math.min(share.forPeriod, left);
    claim(share, 'unearned', amount);
    left -= amount;
  }
  const byCredit = Math.max(0, period.price - charged);
  const ofOlder = Math.min(left, byCredit);
  spread(shares, 'unearned', ofOlder, isOlder(period));
  return byCredit - ofOlder;
}

/** Assigns credit to payments, newest first. @returns what no payment backs */
export function assignCredit(shares: readonly Share[], credit: number): number {
  return spread(shares, 'credit', credit, () => true);
}

/** Assigns what the period has used already. @param byCredit as {@link assignUnearned} returned it */
export function assignUsed(shares: readonly Share[], { period }: PeriodToAssign, byCredit: number): void {
  for (const share of shares) {
    if (share.payment.period_index !== period.index) continue;
    claim(share, 'used', Math.min(share.free, Math.max(0, share.forPeriod - share.unearned)));
  }
  spread(shares, 'used', byCredit, isOlder(period));
}

/** What of the lines that wait for the next charge is for time still to come. */
export function unearnedOfLines(lines: readonly Line[], period: OldPeriod, now: string): number {
  return lines
    .filter(({ period: { end } }) => Date.parse(end) === Date.parse(period.end))
    .reduce((sum, line) => sum + unusedAmount(line.amount, line.period, now), 0);
}

/** What a payment bought of a period: with what a change cost, not with what was owed from before. */
function boughtBy(payment: OldPayment, period: OldPeriod): number {
  if (payment.period_index !== period.index) return 0;
  const paid =
    payment.paid_by === null && payment.charges.length === 0 ? payment.amount : sumsOf(payment).charged;
  return isChangeWithin(payment, period) ? paid : Math.min(paid, period.price);
}

/** A change of another interval opens its own period, and pays for it as a whole. */
function isChangeWithin(
  { kind, period_index: index, created_at: at }: OldPayment,
  period: OldPeriod,
): boolean {
  return kind === 'proration' && index === period.index && Date.parse(at) > Date.parse(period.start);
}

function isOlder({ index }: OldPeriod): (payment: OldPayment) => boolean {
  return ({ period_index: other }) => other !== index;
}

function claim(share: Share, as: 'unearned' | 'used' | 'credit', amount: number): void {
  share[as] += amount;
  share.free -= amount;
}

/** @returns what is left over */
function spread(
  shares: readonly Share[],
  as: 'unearned' | 'used' | 'credit',
  amount: number,
  of: (payment: OldPayment) => boolean,
): number {
  let left = amount;
  for (const share of shares.toReversed()) {
    if (!of(share.payment)) continue;
    const part = Math.min(share.free, left);
    claim(share, as, part);
    left -= part;
  }
  return left;
}
