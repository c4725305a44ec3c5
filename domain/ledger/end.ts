/**
 * The end of a subscription: what goes back, what is forfeited, what is lost, what the customer keeps.
 *
 * Pure. Invariants: afterwards nothing is unearned, held, owed or credit of the subscription; no payment gives back
 * more than is left of it; grants are never paid out.
 */
import type { RefundMode } from '../subscription/commands';
import { cancelUnpaidService, earnUntil, forfeit, isFree, returnToCredit } from './earn';
import { releaseAll } from './change';
import { writeOffReceivables } from './payment';
import { endPeriod } from './period';
import { Posting, type Posted } from './posting';
import { ofRefund, takeFrom, type TakenParts } from './refund';
import { isGrant, isPaymentSource, isPeriodUnpaid, owed, type CreditPart, type LedgerState } from './state';

export interface EndOfMoney {
  /** When the subscription ends; a scheduled cancellation: when it was to end. */
  at: string;
  /** Since when it is paused; null: it is not. */
  pausedAt: string | null;
  refund: RefundMode;
  /** Payments under dispute: nothing of them can be given back now. */
  blocked: readonly string[];
  /** What can still be given back of each payment of this subscription, minor units. Others' money becomes credit. */
  refundable: Readonly<Record<string, number>>;
  /** What a provider can give back of an amount: floors it to the provider's step. */
  floor: (paymentId: string, amount: number) => number;
}

export interface EndedMoney extends Posted {
  /** What is given back of which payment, to be reserved in the same transaction. */
  refunds: { payment_id: string; amount: number; taken: TakenParts }[];
  /** What the customer keeps as credit. */
  customerCredit: CreditPart[];
  /** What should be given back and cannot be now: it is credit, and an operator is told. */
  withheld: CreditPart[];
}

export function endMoney(state: LedgerState, end: EndOfMoney): EndedMoney {
  const posting = new Posting(state);
  releaseAll(posting);
  passTime(posting, end);
  const free = isFree(end.blocked);
  const hadDebt = isPeriodUnpaid(posting);
  cancelUnpaidService(posting);
  // A period that nobody paid is not served further: the credit that was spent on it comes back.
  if (hadDebt) returnToCredit(posting);
  if (end.refund !== 'full') payDebts(posting, free);
  const withheld = end.refund === 'none' ? [] : withhold(posting, free);
  if (end.refund === 'none') forfeit(posting);
  const isOthers = (source: string) => isGrant(source) || !(source in end.refundable);
  returnToCredit(posting, isOthers);
  if (end.refund === 'full') returnUsed(posting, isOthers);
  const refunds = end.refund === 'none' ? [] : giveBack(posting, end, free);
  writeOffReceivables(posting);
  returnToCredit(posting);
  const customerCredit = moveToCustomer(posting);
  posting.begin(null);
  return { ...posting.done(), refunds, customerCredit, withheld };
}

/** Earns what was served: a pause that has outlasted its period ends that first. */
function passTime(posting: Posting, { at, pausedAt }: EndOfMoney): void {
  const { period } = posting;
  const isOver = period !== null && Date.parse(at) >= Date.parse(period.end);
  if (isOver && pausedAt !== null) endPeriod(posting, pausedAt);
  else earnUntil(posting, at);
}

/** Lets money that would be given up or back pay what is owed: service still to come first, then credit. */
function payDebts(posting: Posting, free: (source: string) => boolean): void {
  for (const debtor of posting.funds.toReversed()) {
    let debt = debtor.receivable;
    for (const account of ['unearned', 'credit'] as const) {
      for (const { source, [account]: left } of posting.funds) {
        const amount = free(source) && source !== owed ? Math.min(left, debt) : 0;
        debt -= amount;
        posting.post(account, source, amount);
        posting.post('receivable', debtor.source, -amount);
        posting.moveEarned(debtor.source, source, amount);
      }
    }
  }
}

/** Keeps what is under dispute as credit of its source. */
function withhold(posting: Posting, free: (source: string) => boolean): CreditPart[] {
  const blocked = (source: string) => isPaymentSource(source) && !free(source);
  const parts = posting.funds
    .filter(({ source }) => blocked(source))
    .map(({ source, unearned, credit }) => ({ source, amount: unearned + credit }))
    .filter(({ amount }) => amount > 0);
  returnToCredit(posting, blocked);
  return parts;
}

/** Gives back what is left of each payment; with `full` also what the present period has used of it. */
function giveBack(
  posting: Posting,
  { refund, refundable, floor }: EndOfMoney,
  free: (source: string) => boolean,
): EndedMoney['refunds'] {
  const refunds: EndedMoney['refunds'] = [];
  for (const { source, unearned, credit, used } of posting.funds) {
    const left = refundable[source];
    if (left === undefined || !free(source)) continue;
    const most = Math.min(unearned + credit + (refund === 'full' ? used : 0), left);
    const amount = floor(source, most);
    if (amount > 0) {
      const back = { paymentId: source, amount, unapplied: 0, customerCredit: 0 };
      refunds.push({ payment_id: source, amount, taken: takeFrom(posting, back, ofRefund) });
    }
    if (refund === 'full') keepRemainder(posting, source, most - amount);
  }
  return refunds;
}

/** What a provider's step leaves of used money is the customer's as well: of what was not used, the end keeps it. */
function keepRemainder(posting: Posting, source: string, remainder: number): void {
  const { unearned, credit, used } = posting.fund(source);
  returnUsedOf(posting, source, Math.min(used, Math.max(0, remainder - unearned - credit)));
}

/** What the period has used of another subscription's money comes back as credit. Grants are used up. */
function returnUsed(posting: Posting, of: (source: string) => boolean): void {
  for (const { source, used } of posting.funds) {
    if (isPaymentSource(source) && of(source)) returnUsedOf(posting, source, used);
  }
}

function returnUsedOf(posting: Posting, source: string, amount: number): void {
  posting.postApart('allowances', source, amount);
  posting.post('credit', source, -amount);
}

function moveToCustomer(posting: Posting): CreditPart[] {
  const parts = posting.funds
    .map(({ source, credit }) => ({ source, amount: credit }))
    .filter(({ amount }) => amount > 0);
  for (const { source, amount } of parts) {
    posting.post('credit', source, amount);
    posting.postToCustomer('credit', source, -amount);
  }
  return parts;
}
