/**
 * A change within a period: what is left of the money is set against what the rest costs.
 *
 * Pure. Rules: what is left is what the ledger says, never a list price; a surplus lowers what is owed first, only the
 * rest is credit of its source. While a bank decides about money of the period no change is reckoned: the rest would be
 * paid twice, or with money that is gone. Money that has gone funds nothing, and waits as credit. A change that charges
 * is reckoned twice, with the same result: when it is asked for, and when it is paid.
 */
import { floorToStep, type ChargeLimits } from '../money';
import { unusedAmount } from '../subscription/proration';
import { creditOf } from './credit';
import { earnUntil, isFree, returnToCredit } from './earn';
import { Posting, type Posted } from './posting';
import { chooseCredit, ofCustomer, payOwed, takeCredit, type TakenCredit, type UsableCredit } from './spend';
import { owed, totalOf, type CreditPart, type LedgerState } from './state';

export interface ChangeOfMoney {
  /** When the change was asked for; from then on the rest of the period has its new price. */
  at: string;
  /** Of a whole period, minor units. */
  price: number;
  /** Another interval: the period that begins at `at`. Null: the present period goes on. */
  newPeriod: { start: string; end: string } | null;
  /** Payments whose money takes no part. */
  blocked: string[];
}

/** What a change comes to before it is known who pays. */
export interface ChangeReckoning {
  /** Money that is left of the period, of sources that are not blocked. */
  left: number;
  /** What the rest of the period costs from now on. */
  cost: number;
  /** What has to be paid now; with `next_renewal`: what waits for it. */
  due: number;
  /** What is too much: it lowers what is owed, or becomes credit. */
  surplus: number;
}

/** Whether a bank still decides about money that is left of the period. @param undecided payments under dispute */
export function waitsForBank(state: LedgerState, at: string, undecided: readonly string[]): boolean {
  const posting = new Posting(state);
  earnUntil(posting, at);
  return posting.funds.some(({ source, unearned }) => unearned > 0 && undecided.includes(source));
}

export function reckonChange(state: LedgerState, change: ChangeOfMoney): ChangeReckoning {
  return reckon(begun(state, change), change);
}

/** How the due part of a change is paid. */
export interface ChangeCharge {
  /** What the payment of the change takes; 0: there is none, the change applies at once. */
  charge: number;
  /** Credit that is used beside it. */
  credit: TakenCredit[];
}

/** Decides how the due part is paid: with credit first, then by a charge; what is too small is owed. */
export function chargeOf(
  state: LedgerState,
  change: ChangeOfMoney,
  { credit, limits }: { credit: UsableCredit; limits: ChargeLimits },
): ChangeCharge {
  const posting = begun(state, change);
  const { due } = reckon(posting, change);
  const taken = chooseCredit(posting, credit, due);
  const rest = due - creditOf(taken);
  const charge = floorToStep(rest, limits);
  if (charge > 0 || rest === 0) return { charge, credit: taken };
  // Too small alone: together with what is owed it may be charged.
  return { charge: floorToStep(rest + posting.fund(owed).receivable, limits), credit: taken };
}

/**
 * Sets credit aside for the charge of a change. Credit that was set aside for another one is free: that one is
 * overtaken, once this one needs credit as well.
 */
export function holdCredit(
  state: LedgerState,
  paymentId: string,
  credit: readonly TakenCredit[],
): Posted & { customerCredit: CreditPart[] } {
  const posting = new Posting(state);
  if (credit.length > 0) releaseAll(posting);
  for (const part of credit) {
    takeCredit(posting, part);
    posting.post('credit_held', part.source, -part.amount);
  }
  if (credit.length > 0) posting.holdFor(paymentId);
  return { ...posting.done('same_revision'), customerCredit: ofCustomer(credit) };
}

/** Gives the credit back that was set aside for a payment; the subscription has it from then on. */
export function releaseHeld(state: LedgerState, paymentId: string): Posted {
  const posting = new Posting(state);
  if (state.held_for === paymentId) releaseAll(posting);
  return posting.done('same_revision');
}

/** Returns all credit that was set aside to credit. */
export function releaseAll(posting: Posting): void {
  for (const { source, held } of posting.funds) {
    posting.post('credit_held', source, held);
    posting.post('credit', source, -held);
  }
  posting.holdFor(null);
}

/** Who pays what is due of a change that applies. */
export type ChangePayer =
  /** Nobody now: what is due waits for the next renewal. */
  | { kind: 'next_renewal' }
  /** Credit alone. */
  | { kind: 'credit'; credit: readonly TakenCredit[] }
  /** A payment that was collected, and the credit that was set aside for it. */
  | { kind: 'payment'; paymentId: string; amount: number };

export interface AppliedChange extends Posted {
  customerCredit: CreditPart[];
  reckoning: ChangeReckoning;
}

/** Applies a change. @param payer as {@link chargeOf} decided */
export function applyChange(state: LedgerState, change: ChangeOfMoney, payer: ChangePayer): AppliedChange {
  const posting = begun(state, change);
  const reckoning = reckon(posting, change);
  giveUpSurplus(posting, reckoning.surplus);
  if (change.newPeriod !== null) posting.begin(change.newPeriod);
  posting.reckonedAt(change.at);
  const customerCredit = pay(posting, reckoning.due, payer);
  return { ...posting.done(), customerCredit, reckoning };
}

/** Begins a change: the time before it is earned, and money that takes no part becomes credit. */
function begun(state: LedgerState, { at, blocked }: ChangeOfMoney): Posting {
  const posting = new Posting(state);
  earnUntil(posting, at);
  const free = isFree(blocked);
  returnToCredit(posting, (source) => !free(source));
  return posting;
}

function reckon(posting: Posting, { at, price, newPeriod }: ChangeOfMoney): ChangeReckoning {
  const left = totalOf(posting, 'unearned');
  const { period } = posting;
  const cost = newPeriod !== null || period === null ? price : unusedAmount(price, period, at);
  return { left, cost, due: Math.max(0, cost - left), surplus: Math.max(0, left - cost) };
}

/** The newest money is given up first, and what is owed before it. */
function giveUpSurplus(posting: Posting, surplus: number): void {
  let left = surplus;
  for (const { source, unearned } of posting.funds.toReversed()) {
    const amount = Math.min(unearned, left);
    left -= amount;
    posting.post('unearned', source, amount);
    if (source === owed) {
      posting.post('receivable', owed, -amount);
      continue;
    }
    const ofDebt = Math.min(posting.fund(owed).receivable, amount);
    payOwed(posting, source, ofDebt);
    posting.post('credit', source, ofDebt - amount);
  }
}

/** @returns what the customer's credit loses */
function pay(posting: Posting, due: number, payer: ChangePayer): CreditPart[] {
  let unpaid = due;
  const fund = (source: string, amount: number) => {
    posting.post('unearned', source, -amount);
    unpaid -= amount;
  };
  if (payer.kind === 'credit') {
    for (const part of payer.credit) {
      takeCredit(posting, part);
      fund(part.source, part.amount);
    }
  }
  if (payer.kind === 'payment') {
    for (const { source, held } of posting.heldFor === payer.paymentId ? posting.funds : []) {
      posting.post('credit_held', source, held);
      fund(source, held);
    }
    // What is set aside for another change is free: this one came first.
    releaseAll(posting);
    posting.post('unapplied', payer.paymentId, payer.amount);
    const ofDue = Math.min(unpaid, payer.amount);
    payOwed(posting, payer.paymentId, payer.amount - ofDue);
    fund(payer.paymentId, ofDue);
  }
  posting.post('receivable', owed, unpaid);
  posting.post('unearned', owed, -unpaid);
  return payer.kind === 'credit' ? ofCustomer(payer.credit) : [];
}
