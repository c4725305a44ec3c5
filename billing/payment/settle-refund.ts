/**
 * Settles refunds. Whoever learns of an outcome first writes it: the call's answer, a webhook, an operator.
 *
 * Invariants: a refund is settled once; what a payment gave back is the sum of its succeeded refunds; a refund that the
 * system reserved and that fails is shown to an operator, for no caller waits for it.
 */
import { refundedStatus, type RefundOutcome } from '../../domain/payment/refund';
import type { Transaction } from '../../prisma/client';
import { lockPaymentInOrder } from '../locks';
import { enqueueOperatorTask } from '../operator-tasks';
import type { PaymentRow, RefundRow } from '../rows';
import { enqueueRefundOutcome, refundOf } from './refund-store';
import { findPayingAttempt } from './attempt-store';
import { enqueueRefundedAmount } from './store';

export interface RefundSettlement {
  /** Whether this call wrote the outcome. */
  settledNow: boolean;
  refund: RefundRow;
}

/** Records what is known of a refund; `pending` and `unknown` leave it open. @throws when there is no such refund */
export async function settleRefund(
  tx: Transaction,
  refundId: string,
  outcome: RefundOutcome,
): Promise<RefundSettlement> {
  const { payment_id: paymentId } = await refundOf(tx, refundId);
  const { payment, realNow } = await lockPaymentInOrder(tx, paymentId);
  // Another caller may have settled it before the lock was there.
  const refund = await refundOf(tx, refundId);
  if (refund.settled_at !== null || outcome.status === 'unknown') return { settledNow: false, refund };
  const settled = outcome.status !== 'pending';
  const saved = enqueueRefundOutcome(tx, refund, {
    status: outcome.status,
    provider_reference: outcome.provider_reference ?? refund.provider_reference,
    failure_reason: outcome.status === 'failed' ? outcome.reason : refund.failure_reason,
    settled_at: settled ? realNow : null,
  });
  if (outcome.status === 'succeeded') await addRefundedAmount(tx, payment, saved, realNow);
  if (outcome.status === 'failed' && refund.requested_by.kind === 'system') {
    const detail = `The provider refused to refund ${refund.amount} ${refund.currency} (minor units) of ${paymentId}: ${outcome.reason}.`;
    enqueueOperatorTask(tx, 'refund_failed', { type: 'refund', id: refundId }, detail, realNow);
  }
  return { settledNow: settled, refund: saved };
}

/** A charge beside the one that paid is no part of what the payment took. */
async function addRefundedAmount(
  tx: Transaction,
  payment: PaymentRow,
  refund: RefundRow,
  now: Date,
): Promise<void> {
  const paidBy = await findPayingAttempt(tx, payment.id);
  if (paidBy?.number !== refund.attempt) return;
  const refundedAmount = Number(payment.refunded_amount) + Number(refund.amount);
  const status = refundedStatus({ status: payment.status, amount: Number(payment.amount) }, refundedAmount);
  enqueueRefundedAmount(tx, payment, status, refundedAmount, now);
}
