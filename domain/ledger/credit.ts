/**
 * Credit of a customer: granted and corrected by operators, received from ended subscriptions, used for charges.
 *
 * Pure. Invariants: no source stands below 0; a source stands once in the list; the order is kept: grants, then payments,
 * each in the order in which they came.
 */
import { maxAmount } from '../money';
import type { Entry } from './accounts';
import { grantSource, isGrant, isPaymentSource, rankOf, type CreditPart } from './state';

/** Adds credit up, minor units. */
export function creditOf(funds: readonly CreditPart[]): number {
  return funds.reduce((sum, { amount }) => sum + amount, 0);
}

/** A source of a customer's credit. */
export interface CustomerFund extends CreditPart {
  /** What of a payment's credit subscriptions use that are not its own: it cannot be given back as well. */
  used?: number;
}

/** How credit comes to a customer: `returned`, when a subscription had used it. */
export type CreditArrival = 'new' | 'returned';

/** Adds credit: to its source where that is in the list, else behind the last of its rank. */
export function addCredit(
  funds: readonly CustomerFund[],
  { source, amount }: CreditPart,
  arrival: CreditArrival = 'new',
): CustomerFund[] {
  if (amount === 0) return [...funds];
  if (funds.some((fund) => fund.source === source)) {
    return funds.map((fund) => (fund.source === source ? added(fund, amount, arrival) : fund));
  }
  const at = funds.findIndex((fund) => rankOf(fund.source) > rankOf(source));
  return funds.toSpliced(at === -1 ? funds.length : at, 0, { source, amount });
}

function added({ source, amount: before, used = 0 }: CustomerFund, amount: number, arrival: CreditArrival) {
  const left = arrival === 'returned' ? Math.max(0, used - amount) : used;
  return fundOf(source, before + amount, left);
}

function fundOf(source: string, amount: number, used: number): CustomerFund {
  return used === 0 ? { source, amount } : { source, amount, used };
}

/** Takes parts of the credit out. @throws Error when a source does not have that much: a fault of the caller */
export function removeCredit(funds: readonly CustomerFund[], taken: readonly CreditPart[]): CustomerFund[] {
  return changed(funds, taken, false);
}

/** Takes parts of the credit out for charges. @throws Error when a source does not have that much */
export function useCredit(funds: readonly CustomerFund[], taken: readonly CreditPart[]): CustomerFund[] {
  return changed(funds, taken, true);
}

function changed(
  funds: readonly CustomerFund[],
  taken: readonly CreditPart[],
  isUsed: boolean,
): CustomerFund[] {
  const left = new Map(funds.map((fund) => [fund.source, fund]));
  for (const { source, amount } of taken) {
    const { amount: before = 0, used = 0 } = left.get(source) ?? {};
    if (before < amount) throw new Error(`${source} has ${amount - before} less credit than is taken`);
    const use = isUsed && isPaymentSource(source) ? used + amount : used;
    left.set(source, fundOf(source, before - amount, use));
  }
  return [...left.values()].filter(({ amount, used = 0 }) => amount > 0 || used > 0);
}

/** What a person gives (positive) or takes back (negative), minor units, not 0. */
export interface CreditChange {
  transactionId: string;
  amount: number;
}

export type CreditDecision =
  | {
      kind: 'credit_granted' | 'credit_corrected';
      entries: Entry[];
      /** The customer's credit afterwards. */
      funds: CustomerFund[];
    }
  | { kind: 'refused'; reason: 'not_enough_credit' | 'too_much_credit' };

/**
 * Decides what a person's change makes of a customer's credit. A grant is a source of its own. A correction takes from
 * grants first, then from payments, of both the newest first: what is left is the customer's own money.
 */
export function decideCreditChange(
  funds: readonly CustomerFund[],
  { transactionId, amount }: CreditChange,
): CreditDecision {
  const credit = creditOf(funds) + amount;
  if (credit < 0) return { kind: 'refused', reason: 'not_enough_credit' };
  if (credit > maxAmount) return { kind: 'refused', reason: 'too_much_credit' };
  if (amount > 0) {
    const part = { source: grantSource(transactionId), amount };
    return { kind: 'credit_granted', entries: entriesOf(part, 1), funds: addCredit(funds, part) };
  }
  const taken = chooseForCorrection(funds, -amount);
  return {
    kind: 'credit_corrected',
    entries: taken.flatMap((part) => entriesOf(part, -1)),
    funds: removeCredit(funds, taken),
  };
}

function chooseForCorrection(funds: readonly CreditPart[], amount: number): CreditPart[] {
  const newestFirst = funds.toReversed();
  const order = [
    ...newestFirst.filter(({ source }) => isGrant(source)),
    ...newestFirst.filter(({ source }) => !isGrant(source)),
  ];
  let left = amount;
  return order.flatMap(({ source, amount: available }) => {
    const part = Math.min(available, left);
    left -= part;
    return part > 0 ? [{ source, amount: part }] : [];
  });
}

function entriesOf({ source, amount }: CreditPart, sign: 1 | -1): Entry[] {
  const owner = 'customer';
  return [
    { account: 'allowances', source, amount: sign * amount, owner },
    { account: 'credit', source, amount: -sign * amount, owner },
  ];
}
