/** What a refund that the provider has paid, or has taken back, changes of the money and of the payment. */
import { cashAccount } from '../../domain/ledger/accounts';
import { refundedStatus } from '../../domain/payment/refund';
import type { Transaction } from '../../prisma/client';
import type { Cause } from '../ledger/post';
import type { PaymentRow, RefundRow } from '../rows';
import { findPayingAttempt } from './attempt-store';
import { enqueuePaymentPosting, type Books } from './books';
import { refundedAmountOf } from './refund-store';
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
 * Writes what a payment gave back, once a refund of it was written: the sum of its refunds that succeeded. A charge beside
 * the one that paid is no part of what the payment took, nor is what was refunded beyond the charge, at the provider.
 */
export async function updateRefundedAmount(
  tx: Transaction,
  payment: PaymentRow,
  refund: RefundRow,
  now: Date,
): Promise<void> {
  const paidBy = await findPayingAttempt(tx, payment.id);
  if (paidBy?.number !== refund.attempt || refund.charge_reference !== null) return;
  const refundedAmount = Math.min(await refundedAmountOf(tx, paidBy), Number(payment.amount));
  const status = refundedStatus(receivedOf(payment), refundedAmount);
  enqueueRefundedAmount(tx, payment, status, refundedAmount, now);
}
