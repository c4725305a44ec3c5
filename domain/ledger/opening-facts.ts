/**
 * What rows older than the ledger say of a payment's money: what was charged, what went back, what is about to.
 *
 * Pure. Amounts are minor units. Only what no transaction of the ledger records yet is counted.
 */
import type { PaymentKind } from '../payment/payment';
import { cashAccount, type Entry } from './accounts';
import type { TakenParts } from './refund';

/** A charge that succeeded before the ledger. */
export interface OldCharge {
  /** The number of its attempt. */
  attempt: number;
  /** Null: it is not known. */
  provider: string | null;
  amount: number;
}

/** A refund that was reserved before the ledger. */
export interface OldRefund {
  id: string;
  /** Whose charge is given back. */
  attempt: number;
  amount: number;
  status: 'pending' | 'succeeded' | 'failed';
}

export interface OldPayment {
  id: string;
  kind: PaymentKind;
  currency: string;
  amount: number;
  period_index: number | null;
  created_at: string;
  /** The attempt whose charge paid it; null: it is not paid, or it was paid since the ledger is there. */
  paid_by: number | null;
  charges: readonly OldCharge[];
  refunds: readonly OldRefund[];
}

/** A payment's money, added up. */
export interface PaymentSums {
  /** Of the charge that paid it. */
  charged: number;
  /** What is left of that: not given back, and not about to be. */
  left: number;
  /** What was charged beside it and has not been given back. */
  beside: number;
}

/** What becomes of refunds that are older than the ledger. */
export interface OldRefunds {
  /** Those that have taken money, with what from: pending ones, and paid ones, which may still fail. */
  set_aside: { refund_id: string; taken: TakenParts }[];
  /** Those that failed and have taken nothing. */
  given_up: string[];
}

export function sumsOf(payment: OldPayment): PaymentSums {
  const { charges, refunds, paid_by: paidBy } = payment;
  const of = (attempt: number) => {
    const charged = charges.filter((charge) => charge.attempt === attempt);
    const gone = refunds.filter((refund) => refund.attempt === attempt && isGone(payment, refund));
    return { charged: total(charged), left: total(charged) - total(gone) };
  };
  const attempts = new Set([...charges, ...refunds].map(({ attempt }) => attempt));
  const paying = paidBy === null ? { charged: 0, left: 0 } : of(paidBy);
  const others = [...attempts].filter((attempt) => attempt !== paidBy);
  const beside = others.map((attempt) => of(attempt).left);
  return {
    charged: paying.charged,
    left: paying.left,
    // What is beyond its charge is a fault that another charge does not make good.
    beside: beside.find((left) => left !== 0) ?? 0,
  };
}

/** Cash, and what is set aside to go back. What is left of the payment stands against it. */
export function cashEntries(payment: OldPayment): Entry[] {
  const { id: source, charges, refunds } = payment;
  const providerOf = (attempt: number) =>
    cashAccount(charges.find((charge) => charge.attempt === attempt)?.provider ?? 'none');
  const charged = charges.map(({ attempt, amount }) => ({ account: providerOf(attempt), source, amount }));
  const back = refunds
    .filter((refund) => isGone(payment, refund))
    .map(({ attempt, amount, status }) => ({
      account: status === 'succeeded' ? providerOf(attempt) : 'refunding',
      source,
      amount: -amount,
    }));
  return [...charged, ...back];
}

export function refundsOf(payments: readonly OldPayment[]): OldRefunds {
  const all = payments.flatMap((payment) => payment.refunds.map((refund) => ({ payment, refund })));
  const gone = all.filter(({ payment, refund }) => isGone(payment, refund));
  const failed = all.filter(({ payment, refund }) => !isGone(payment, refund));
  return {
    set_aside: gone.map(({ refund: { id, amount } }) => ({
      refund_id: id,
      // Given up, it becomes credit.
      taken: { unapplied: 0, credit: amount, customer_credit: 0, unearned: 0, rest: 0 },
    })),
    given_up: failed.map(({ refund }) => refund.id),
  };
}

/** What the rows of a payment contradict each other in; null: nothing. */
export function contradictionOf(payment: OldPayment): string | null {
  const { left, beside } = sumsOf(payment);
  if (left < 0) return `more of ${payment.id} goes back than was charged`;
  if (beside > 0) return `${payment.id} was charged twice and one charge is not given back`;
  return beside < 0 ? `more of ${payment.id} goes back than was charged` : null;
}

/** A payment without what was charged beside. */
export function ofPayingCharge(payment: OldPayment): OldPayment {
  const isPaying = ({ attempt }: { attempt: number }) => attempt === payment.paid_by;
  return { ...payment, charges: payment.charges.filter(isPaying), refunds: payment.refunds.filter(isPaying) };
}

/** A refund that failed leaves its money with what it was charged for; a charge beside has nothing that it is for. */
function isGone({ paid_by: paidBy }: OldPayment, { attempt, status }: OldRefund): boolean {
  return status !== 'failed' || attempt !== paidBy;
}

function total(parts: readonly { amount: number }[]): number {
  return parts.reduce((sum, { amount }) => sum + amount, 0);
}
