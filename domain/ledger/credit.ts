/**
 * Credit of a customer: granted and corrected by operators, received from ended subscriptions, used for charges.
 *
 * Pure. Invariants: no source stands below 0; a source stands once in the list; the order is kept: grants, then payments,
 * each in the order in which they came.
 */
import { maxAmount } from '../money';
import type { Entry } from './accounts';
import { grantSource, isGrant, rankOf, type CreditPart } from './state';

/** Adds a customer's credit up, minor units. */
export function creditOf(funds: readonly CreditPart[]): number {
  return funds.reduce((sum, { amount }) => sum + amount, 0);
}

/** Adds credit: to its source where that is in the list, else behind the last of its rank. */
export function addCredit(funds: readonly CreditPart[], { source, amount }: CreditPart): CreditPart[] {
  if (amount === 0) return [...funds];
  if (funds.some((fund) => fund.source === source)) {
    return funds.map((fund) => (fund.source === source ? { source, amount: fund.amount + amount } : fund));
  }
  const at = funds.findIndex((fund) => rankOf(fund.source) > rankOf(source));
  return funds.toSpliced(at === -1 ? funds.length : at, 0, { source, amount });
}

/** Takes parts of the credit out. @throws Error when a source does not have that much: a fault of the caller */
export function removeCredit(funds: readonly CreditPart[], taken: readonly CreditPart[]): CreditPart[] {
  const left = new Map(funds.map(({ source, amount }) => [source, amount]));
  for (const { source, amount } of taken) {
    const rest = (left.get(source) ?? 0) - amount;
    if (rest < 0) throw new Error(`${source} has ${-rest} less credit than is taken`);
    left.set(source, rest);
  }
  return [...left].map(([source, amount]) => ({ source, amount })).filter(({ amount }) => amount > 0);
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
      funds: CreditPart[];
    }
  | { kind: 'refused'; reason: 'not_enough_credit' | 'too_much_credit' };

/**
 * Decides what a person's change makes of a customer's credit. A grant is a source of its own. A correction takes from
 * grants first, then from payments, of both the newest first: what is left is the customer's own money.
 */
export function decideCreditChange(
  funds: readonly CreditPart[],
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
