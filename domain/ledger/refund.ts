/**
 * Money that goes back, or is taken back: refunds that are reserved, fail and are given up; disputes that are lost.
 *
 * Pure. Rule: what goes back comes out of what the payment still stands at, in this order: what was never applied, its
 * credit, the service still to come that it has paid; what is left is given for service that was delivered (`allowances`), or is lost.
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
  /** What of `rest` was for time of the period that began at `period_start`. Left out: nothing, or it is not known. */
  used?: number;
  period_start?: string;
  /** How often the money of a period had been reckoned by then. Left out: it is not known. */
  reckoning?: number;
}

export const nothingTaken: TakenParts = {
  unapplied: 0,
  credit: 0,
  customer_credit: 0,
  unearned: 0,
  rest: 0,
};

/** What a payment can stand at, minor units. */
export type AccountParts = Pick<TakenParts, 'unapplied' | 'credit' | 'customer_credit' | 'unearned'>;

/** What a row keeps of what was taken. */
export interface Taken extends TakenParts {
  /** When, by the customer's time; left out: it is not known. */
  at?: string;
  /** What of `rest` was beyond the charge then, because of what had gone before. Left out: it is not known. */
  beyond?: number;
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
  const { credit, unearned: service, receivable } = posting.fund(paymentId);
  // Service that the payment is still to pay is none of its money: what is not paid goes when the payment is applied.
  const unearned = Math.max(0, service - receivable);
  const parts = partsOf(amount, { unapplied, credit, customer_credit: customerCredit, unearned });
  posting.post('unapplied', paymentId, parts.unapplied);
  posting.post('credit', paymentId, parts.credit);
  posting.postToCustomer('credit', paymentId, parts.customer_credit);
  posting.post('unearned', paymentId, parts.unearned);
  posting.postApart(accounts.rest, paymentId, parts.rest);
  posting.post(accounts.against, paymentId, -amount);
  const used = parts.rest > 0 ? posting.forgetUsed(paymentId, parts.rest) : 0;
  const ofPeriod = used > 0 && posting.period !== null ? { used, period_start: posting.period.start } : {};
  return { ...parts, ...ofPeriod, reckoning: posting.reckonings };
}

/** Adds up what a payment stands at, minor units. */
export function sumOfParts({
  unapplied,
  credit,
  customer_credit: ofCustomer,
  unearned,
}: AccountParts): number {
  return unapplied + credit + ofCustomer + unearned;
}

/** Parts of an amount, in the order of the rule; `rest`: what is not available. */
export function partsOf(amount: number, available: AccountParts): AccountParts & { rest: number } {
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
  /** What does not come back, and lowers what it was booked as (`beyond.ts`). Left out: nothing. */
  gone?: readonly GoneElsewhere[];
}

/** What of a payment has gone beyond its charge meanwhile, and what bore it. */
export interface GoneElsewhere {
  amount: number;
  account: 'allowances' | 'written_off';
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
  { paymentId, at, reservedAt, alive, gone = [] }: MoneyReturn,
  accounts: { account: string; rest: 'allowances' | 'written_off' },
): ReleasedRefund {
  const posting = new Posting(state);
  // What took no service moves none: of a charge that was never applied it is not known at which reckoning it went.
  const serves =
    alive && taken.unearned > 0 && isServed(state, at, { reservedAt, reckoning: taken.reckoning });
  if (serves) earnUntil(posting, at);
  const service = serves ? taken.unearned : 0;
  const credit = taken.credit + taken.unapplied + taken.unearned - service;
  const ofCustomer = taken.customer_credit + (alive ? 0 : credit);
  const lost = gone.reduce((sum, { amount }) => sum + amount, 0);
  posting.post(accounts.account, paymentId, sumOfParts(taken) + taken.rest + lost);
  posting.postApart(accounts.rest, paymentId, -taken.rest);
  for (const { account, amount } of gone) posting.postApart(account, paymentId, -amount);
  posting.post('unearned', paymentId, -service);
  if (alive) posting.post('credit', paymentId, -credit);
  posting.postToCustomer('credit', paymentId, -ofCustomer);
  if (alive && taken.period_start === posting.period?.start) posting.rememberUsed(paymentId, taken.used ?? 0);
  const customerCredit = ofCustomer > 0 ? [{ source: paymentId, amount: ofCustomer }] : [];
  return { ...posting.done(), customerCredit };
}

/**
 * Whether the time that the reservation took from is still being served for it. A change since then has charged for
 * that time again, a write-off has ended it. Instants do not tell a reservation from a reckoning at the same one.
 */
function isServed(
  { period, reckoned_at: reckonedAt, reckonings = 0 }: LedgerState,
  at: string,
  { reservedAt, reckoning }: { reservedAt: string; reckoning: number | undefined },
): boolean {
  if (period === null || Date.parse(at) >= Date.parse(period.end)) return false;
  if (reckoning !== undefined) return reckoning === reckonings;
  return reckonedAt !== null && Date.parse(reservedAt) > Date.parse(reckonedAt);
}
