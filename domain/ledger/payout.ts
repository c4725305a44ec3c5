/**
 * Payouts: a customer's credit goes back through the payments that funded it.
 *
 * Pure. Invariants: no payment pays out more than its credit, nor more than its provider still holds of it; grants are
 * never paid out.
 */
import type { Entry } from './accounts';
import { nothingTaken, type TakenParts } from './refund';

/** A payment that funded credit. */
export interface PayingPayment {
  id: string;
  /** The customer's credit of it, minor units. */
  credit: number;
  /** What can still be given back of its charge; 0 while it is disputed. */
  left: number;
  /** Its provider gives back multiples of it only. */
  step: number;
}

/** What one payment pays out. */
export interface PayoutPart {
  payment_id: string;
  /** Minor units, above 0. */
  amount: number;
}

export type PayoutDecision =
  | { kind: 'pays'; parts: PayoutPart[] }
  | {
      kind: 'refused';
      /** `not_in_steps`: there is enough, and the providers' steps do not add up to the amount. */
      reason: 'not_enough' | 'not_in_steps';
      /** What could be paid out instead, minor units. */
      payable: number;
    };

/**
 * Decides which payments pay out.
 * @param payments in the order in which they pay
 * @param amount minor units; null: all that can be paid out
 */
export function decidePayout(payments: readonly PayingPayment[], amount: number | null): PayoutDecision {
  const all = choose(payments, Number.MAX_SAFE_INTEGER);
  const payable = sumOf(all);
  if (payable === 0 || (amount !== null && amount > payable)) {
    return { kind: 'refused', reason: 'not_enough', payable };
  }
  if (amount === null) return { kind: 'pays', parts: all };
  const parts = choose(payments, amount);
  const reached = sumOf(parts);
  if (reached < amount) return { kind: 'refused', reason: 'not_in_steps', payable: reached };
  return { kind: 'pays', parts };
}

function choose(payments: readonly PayingPayment[], upTo: number): PayoutPart[] {
  let rest = upTo;
  return payments.flatMap(({ id, credit, left, step }) => {
    const most = Math.min(credit, left, rest);
    const amount = most - (most % step);
    rest -= amount;
    return amount > 0 ? [{ payment_id: id, amount }] : [];
  });
}

function sumOf(parts: readonly PayoutPart[]): number {
  return parts.reduce((sum, { amount }) => sum + amount, 0);
}

/** The entries that reserve one payment's part, and from where it is taken: the customer's credit alone. */
export function reservePayout({ payment_id: source, amount }: PayoutPart): {
  entries: Entry[];
  taken: TakenParts;
} {
  return {
    entries: [
      { account: 'credit', source, amount, owner: 'customer' },
      { account: 'refunding', source, amount: -amount },
    ],
    taken: { ...nothingTaken, customer_credit: amount },
  };
}
