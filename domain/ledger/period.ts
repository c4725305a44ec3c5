/**
 * A period opens: the one before ends, credit is used, and what remains is charged.
 *
 * Pure. Invariants: price + what was owed = credit used + charge + what is owed afterwards; nothing below the smallest
 * charge is charged; a period that needs no charge is paid at once.
 */
import { floorToStep, type ChargeLimits } from '../money';
import { releaseAll } from './change';
import { cancelUnpaidService, earnUntil, forfeit } from './earn';
import { Posting, type Posted } from './posting';
import { chooseCredit, ofCustomer, payOwed, takeCredit, type UsableCredit } from './spend';
import { balanceOf, fundOf, isPeriodUnpaid, owed, type CreditPart, type LedgerState } from './state';

export interface PeriodToOpen {
  period: { start: string; end: string };
  /** Minor units. */
  price: number;
  /** The payment that charges what is to be charged. */
  paymentId: string;
  credit: UsableCredit;
  limits: ChargeLimits;
  /** Since when the subscription was paused; null: the period before was served to its end. */
  pausedAt: string | null;
}

export interface OpenedMoney extends Posted {
  /** What the payment charges; 0: there is none, the period is paid. */
  charge: number;
  /** What of the customer's credit was used. */
  customerCredit: CreditPart[];
  /** What the next charge takes: owed (positive) or the credit that is left (negative). */
  balance: number;
}

export function openPeriod(state: LedgerState, opening: PeriodToOpen): OpenedMoney {
  return openWith(state, opening, (due) => floorToStep(due, opening.limits));
}

/** Opens a period. @param chargeOf what is charged of what is due */
export function openWith(
  state: LedgerState,
  opening: Omit<PeriodToOpen, 'limits'>,
  chargeOf: (due: number) => number,
): OpenedMoney {
  const posting = new Posting(state);
  // A change whose charge is still open when its period ends is overtaken.
  releaseAll(posting);
  endPeriod(posting, opening.pausedAt);
  posting.begin(opening.period);
  const debt = posting.fund(owed).receivable;
  const credit = chooseCredit(posting, opening.credit, debt + opening.price);
  let debtLeft = debt;
  let priceLeft = opening.price;
  for (const part of credit) {
    takeCredit(posting, part);
    const ofDebt = Math.min(debtLeft, part.amount);
    payOwed(posting, part.source, ofDebt);
    posting.post('unearned', part.source, ofDebt - part.amount);
    debtLeft -= ofDebt;
    priceLeft -= part.amount - ofDebt;
  }
  const charge = chargeOf(debtLeft + priceLeft);
  chargeAndCarry(posting, opening.paymentId, { debt: debtLeft, price: priceLeft, charge });
  const posted = posting.done();
  return {
    ...posted,
    charge,
    customerCredit: ofCustomer(credit),
    balance: balanceOf(posted.state),
  };
}

/**
 * Ends the present period whose time is over. A period that nobody has paid is earned as a whole: it may still be paid.
 * @param pausedAt since when the subscription is paused; null: it was served to its end
 * @returns null: there is nothing left of it
 */
export function endedPeriod(state: LedgerState, pausedAt: string | null): Posted | null {
  const posting = new Posting(state);
  endPeriod(posting, pausedAt);
  const posted = posting.done();
  return posted.entries.length === 0 ? null : posted;
}

/**
 * The time of a pause is not served: what was paid for it is forfeited, what is owed for it is not. A period that
 * nobody has paid is earned as a whole: it may still be paid.
 */
export function endPeriod(posting: Posting, pausedAt: string | null): void {
  if (posting.period === null) return;
  earnUntil(posting, isPeriodUnpaid(posting) || pausedAt === null ? posting.period.end : pausedAt);
  cancelUnpaidService(posting);
  forfeit(posting);
}

/** The payment takes the older debt first; what is too small to be charged now is owed. */
function chargeAndCarry(
  posting: Posting,
  paymentId: string,
  { debt, price, charge }: { debt: number; price: number; charge: number },
): void {
  const ofDebt = Math.min(debt, charge);
  posting.post('receivable', owed, -ofDebt);
  posting.moveEarned(owed, paymentId, ofDebt);
  posting.post('receivable', paymentId, charge);
  posting.post('unearned', paymentId, ofDebt - charge);
  const carried = price - (charge - ofDebt);
  posting.post('receivable', owed, carried);
  posting.post('unearned', owed, -carried);
}

/** Whether a payment's charge is still owed. */
export function isOwed(state: LedgerState, paymentId: string): boolean {
  return fundOf(state, paymentId).receivable > 0;
}
