/** What a refund that the provider has paid, or has taken back, changes of the money and of the payment. */
import { cashAccount } from '../../domain/ledger/accounts';
import { refundedStatus } from '../../domain/payment/refund';
import type { Transaction } from '../../prisma/client';
import type { Cause } from '../ledger/post';
import type { PaymentRow, RefundRow } from '../rows';
import { findPayingAttempt } from './attempt-store';
import { enqueuePaymentPosting, type Books } from './books';
import { receivedOf } from './refundable';
import { enqueueRefundedAmount } from './store';

/** Writes that money which was set aside has left the provider. @param paid below 0: the provider has it again */
export function enqueuePaidBack(
  tx: Transaction,
  books: Books,
  paymentId: string,
  paid: { provider: string; amount: number },
  cause: Cause,
): void {
  const entries = [
    { account: 'refunding', source: paymentId, amount: paid.amount },
    { account: cashAccount(paid.provider), source: paymentId, amount: -paid.amount },
  ];
  enqueuePaymentPosting(tx, books, { entries }, cause);
}

/**
 * Adds a refund, or takes it off (below 0), to what its payment gave back. A charge beside the one that paid is no part
 * of what the payment took.
 */
export async function addRefundedAmount(
  tx: Transaction,
  payment: PaymentRow,
  refund: RefundRow,
  amount: number,
  now: Date,
): Promise<void> {
  const paidBy = await findPayingAttempt(tx, payment.id);
  if (paidBy?.number !== refund.attempt || refund.charge_reference !== null) return;
  // What was refunded beyond the charge, at the provider, is no part of the charge.
  const sum = Number(payment.refunded_amount) + amount;
  const refundedAmount = Math.max(0, Math.min(sum, Number(payment.amount)));
  const status = refundedStatus(receivedOf(payment), refundedAmount);
  enqueueRefundedAmount(tx, payment, status, refundedAmount, now);
}
