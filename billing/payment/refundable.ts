/** What can still be given back of payments: of the charge that paid each of them, never of a charge beside it. */
import type { Transaction } from '../../prisma/client';
import { lockCustomerBalance, lockPayments } from '../locks';
import type { AttemptRow, PaymentRow } from '../rows';
import { findPayingAttempt } from './attempt-store';
import { reservedAmountOf } from './refund-store';

export interface OwnPayment {
  id: string;
  /** The attempt whose charge paid it; null: it is not paid. */
  attempt: AttemptRow | null;
  /** Minor units; 0 while the payment is disputed, or not paid. */
  left: number;
}

/** Locks those of the payments that are the subscription's own, paid or not, and counts what is left of each. */
export async function lockOwnPayments(
  tx: Transaction,
  subscriptionId: string,
  paymentIds: readonly string[],
): Promise<OwnPayment[]> {
  if (paymentIds.length === 0) return [];
  const found: OwnPayment[] = [];
  for (const payment of await lockPayments(tx, subscriptionId, paymentIds)) {
    const attempt = await findPayingAttempt(tx, payment.id);
    const left = attempt === null ? 0 : leftOf(payment, attempt, await reservedAmountOf(tx, attempt));
    found.push({ id: payment.id, attempt, left });
  }
  return found;
}

/**
 * What is left of a payment's charge.
 * @param gone minor units that are given back already, about to be, or used by other subscriptions
 */
export function leftOf(
  payment: Pick<PaymentRow, 'status' | 'disputed_amount' | 'lost_amount'>,
  attempt: Pick<AttemptRow, 'amount'>,
  gone: number,
): number {
  if (isDisputed(payment)) return 0;
  return Math.max(0, Number(attempt.amount - payment.lost_amount) - gone);
}

/** What is left of a payment's charge now. Locks the customer's balance. */
export async function leftNow(tx: Transaction, payment: PaymentRow, attempt: AttemptRow): Promise<number> {
  const gone = (await reservedAmountOf(tx, attempt)) + (await usedElsewhere(tx, payment));
  return leftOf(payment, attempt, gone);
}

/** Whether a bank decides about money of a payment, or has taken all of it. */
export function isDisputed({
  status,
  disputed_amount,
}: Pick<PaymentRow, 'status' | 'disputed_amount'>): boolean {
  // Of a payment that is disputed since before the ledger no amount is known.
  return status === 'disputed' || disputed_amount !== 0n;
}

/** A collected payment, as its status follows from it. */
export function receivedOf({ status, amount, disputed_amount, lost_amount }: PaymentRow) {
  return {
    status,
    amount: Number(amount),
    disputed: Number(disputed_amount),
    lost: Number(lost_amount),
  };
}

/** What other subscriptions of the customer use of a payment. Locks the customer's balance. */
export async function usedElsewhere(tx: Transaction, payment: PaymentRow): Promise<number> {
  const balance = await lockCustomerBalance(tx, payment.customer_id, payment.currency);
  return balance?.funds.find(({ source }) => source === payment.id)?.used ?? 0;
}
