/**
 * Money that goes back, or is taken back: refunds that are reserved, fail and are given up; disputes that are lost.
 *
 * Pure. Rule: what goes back comes out of what the payment still stands at, in this order: what was never applied, its
 * credit, its service still to come; what is left is given for service that was delivered (`allowances`), or is lost.
 */
import { releaseAll } from './change';
import { earnUntil } from './earn';
import { Posting, type Posted } from './posting';
import type { CreditPart, LedgerState } from './state';

export interface MoneyBack {
  paymentId: string;
  amount: number;
  at: string;
  /** Collected of the payment and not applied. */
  unapplied: number;
  /** Credit of the customer that this payment funded. */
  customerCredit: number;
}

/** Which accounts a reservation was taken from, minor units. */
export interface TakenParts {
  unapplied: number;
  credit: number;
  customer_credit: number;
  unearned: number;
  /** Given for service that was delivered, or not of the payment at all. */
  rest: number;
}

export const nothingTaken: TakenParts = {
  unapplied: 0,
  credit: 0,
  customer_credit: 0,
  unearned: 0,
  rest: 0,
};

/** What a row keeps of what was taken. */
export interface Taken extends TakenParts {
  /** When, by the customer's time; left out: it is not known. */
  at?: string;
}

export interface TakenBack extends Posted {
  parts: TakenParts;
}

interface TakingAccounts {
  against: 'refunding' | 'disputed';
  /** What bears that which the payment does not stand at any more. */
  rest: 'allowances' | 'written_off';
}

export const ofRefund: TakingAccounts = { against: 'refunding', rest: 'allowances' };

/** Reserves a refund. */
export function reserveRefund(state: LedgerState, back: MoneyBack): TakenBack {
  return take(state, back, ofRefund);
}

/** A dispute is lost: the money is gone. */
export function loseDispute(state: LedgerState, back: MoneyBack): TakenBack {
  return take(state, back, { against: 'disputed', rest: 'written_off' });
}

function take(
  state: LedgerState,
  { paymentId, amount, at, unapplied, customerCredit }: MoneyBack,
  accounts: TakingAccounts,
): TakenBack {
  const posting = new Posting(state);
  // Money that goes is not set aside any more; the change that it was meant for is overtaken.
  if (posting.fund(paymentId).held > 0) releaseAll(posting);
  earnUntil(posting, at);
  const parts = takeFrom(posting, { paymentId, amount, unapplied, customerCredit }, accounts);
  return { ...posting.done(), parts };
}

/** Takes money out of what a payment stands at, in the order of the rule. */
export function takeFrom(
  posting: Posting,
  { paymentId, amount, unapplied, customerCredit }: Omit<MoneyBack, 'at'>,
  accounts: TakingAccounts,
): TakenParts {
  const { credit, unearned } = posting.fund(paymentId);
  const parts = partsOf(amount, { unapplied, credit, customer_credit: customerCredit, unearned });
  posting.post('unapplied', paymentId, parts.unapplied);
  posting.post('credit', paymentId, parts.credit);
  posting.postToCustomer('credit', paymentId, parts.customer_credit);
  posting.post('unearned', paymentId, parts.unearned);
  posting.postApart(accounts.rest, paymentId, parts.rest);
  if (parts.rest > 0) posting.forgetUsed(paymentId, parts.rest);
  posting.post(accounts.against, paymentId, -amount);
  return parts;
}

function partsOf(amount: number, available: Omit<TakenParts, 'rest'>): TakenParts {
  let rest = amount;
  const next = (left: number) => {
    const part = Math.min(left, rest);
    rest -= part;
    return part;
  };
  const parts = {
    unapplied: next(available.unapplied),
    credit: next(available.credit),
    customer_credit: next(available.customer_credit),
    unearned: next(available.unearned),
  };
  return { ...parts, rest };
}

/**
 * A dispute is opened: the money stands where it is and funds nothing new until the bank decides. A change that was
 * reckoned with it is overtaken.
 */
export function openDispute(state: LedgerState, paymentId: string, amount: number, cash: string): Posted {
  const posting = new Posting(state);
  if (posting.fund(paymentId).held > 0) releaseAll(posting);
  posting.post('disputed', paymentId, amount);
  posting.post(cash, paymentId, -amount);
  return posting.done();
}

/** The reversal of a reservation whose refund is given up. */
export interface ReleasedRefund extends Posted {
  /** What becomes credit of the customer. */
  customerCredit: CreditPart[];
}

export interface MoneyReturn {
  paymentId: string;
  at: string;
  /** When it was taken. */
  reservedAt: string;
  /** Whether the payment's subscription lives. */
  alive: boolean;
  /**
   * What else has gone of the payment beyond its charge while this was set aside: that much does not come back, and
   * lowers what it was booked as. Left out: nothing.
   */
  beyond?: { amount: number; account: 'allowances' | 'written_off' };
}

/**
 * Reverses a reservation: the money stands where it was, save that what was never applied, and service whose time is
 * over or was charged again by a change, become credit; of the customer, when the subscription has ended or there is none.
 */
export function releaseRefund(state: LedgerState, parts: TakenParts, release: MoneyReturn): ReleasedRefund {
  return giveBack(state, parts, release, { account: 'refunding', rest: 'allowances' });
}

/** A dispute that was lost is won after all: the provider has the money again. @param parts what the loss had taken */
export function regainDispute(
  state: LedgerState,
  parts: TakenParts,
  regain: MoneyReturn,
  cash: string,
): ReleasedRefund {
  return giveBack(state, parts, regain, { account: cash, rest: 'written_off' });
}

function giveBack(
  state: LedgerState,
  taken: TakenParts,
  { paymentId, at, reservedAt, alive, beyond = { amount: 0, account: 'allowances' } }: MoneyReturn,
  accounts: { account: string; rest: 'allowances' | 'written_off' },
): ReleasedRefund {
  const posting = new Posting(state);
  const total = totalOfParts(taken);
  // As if it had not been set aside: what went beyond the charge would have been taken from it.
  const gone = partsOf(beyond.amount, taken);
  const cut = beyond.amount - gone.rest;
  const parts = {
    unapplied: taken.unapplied - gone.unapplied,
    credit: taken.credit - gone.credit,
    customer_credit: taken.customer_credit - gone.customer_credit,
    unearned: taken.unearned - gone.unearned,
    rest: taken.rest,
  };
  const serves = alive && isServed(state, at, reservedAt);
  if (serves) earnUntil(posting, at);
  const service = serves ? parts.unearned : 0;
  const credit = parts.credit + parts.unapplied + parts.unearned - service;
  const ofCustomer = parts.customer_credit + (alive ? 0 : credit);
  posting.post(accounts.account, paymentId, total);
  posting.postApart(accounts.rest, paymentId, -parts.rest);
  posting.postApart(beyond.account, paymentId, -cut);
  posting.post('unearned', paymentId, -service);
  if (alive) posting.post('credit', paymentId, -credit);
  posting.postToCustomer('credit', paymentId, -ofCustomer);
  const customerCredit = ofCustomer > 0 ? [{ source: paymentId, amount: ofCustomer }] : [];
  return { ...posting.done(), customerCredit };
}

function totalOfParts({
  unapplied,
  credit,
  customer_credit: ofCustomer,
  unearned,
  rest,
}: TakenParts): number {
  return unapplied + credit + ofCustomer + unearned + rest;
}

/**
 * Whether the time that the reservation took from is still being served for it. A change since then has charged for
 * that time again, a write-off has ended it.
 */
function isServed({ period, reckoned_at: reckonedAt }: LedgerState, at: string, reservedAt: string): boolean {
  return (
    period !== null &&
    reckonedAt !== null &&
    Date.parse(reservedAt) > Date.parse(reckonedAt) &&
    Date.parse(at) < Date.parse(period.end)
  );
}
