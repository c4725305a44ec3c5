/**
 * The outcome of a refund, written by whoever learns of it first: the call's answer, a webhook, a person.
 *
 * Invariants: a refund is settled once (`WHERE settled_at IS NULL`); what a payment gave back is the sum of its
 * succeeded refunds; one of the system's own that fails is shown to a person, for nobody waits for it.
 */
import { refundedStatus, type RefundOutcome } from '../../domain/payment/refund';
import { databaseNow, type Transaction } from '../../prisma/client';
import { lockPaymentInOrder } from '../locks';
import { raiseOperatorTask } from '../operator-tasks';
import { refundRow, type PaymentRow, type RefundRow } from '../rows';
import { payingAttempt } from './reserve-refund';

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
  const { payment_id: paymentId } = await tx.refund.findUniqueOrThrow({ where: { id: refundId } });
  const { payment } = await lockPaymentInOrder(tx, paymentId);
  const refund = refundRow(await tx.refund.findUniqueOrThrow({ where: { id: refundId } }));
  if (refund.settled_at !== null || outcome.status === 'unknown') return { settledNow: false, refund };
  const now = await databaseNow(tx);
  const settled = outcome.status !== 'pending';
  const saved = refundRow(
    await tx.refund.update({
      where: { id: refundId },
      data: {
        status: outcome.status,
        provider_reference: outcome.provider_reference ?? undefined,
        failure_reason: outcome.status === 'failed' ? outcome.reason : undefined,
        settled_at: settled ? now : undefined,
      },
    }),
  );
  if (outcome.status === 'succeeded') await noteGivenBack(tx, payment, saved, now);
  if (outcome.status === 'failed' && refund.requested_by.kind === 'system') {
    const detail = `The provider refused to refund ${refund.amount} ${refund.currency} (minor units) of ${paymentId}: ${outcome.reason}.`;
    const subject = { type: 'refund', id: refundId } as const;
    await raiseOperatorTask(tx, 'refund_failed', subject, detail, now);
  }
  return { settledNow: settled, refund: saved };
}

/** A charge beside the one that paid is no part of what the payment took. */
async function noteGivenBack(
  tx: Transaction,
  payment: PaymentRow,
  refund: RefundRow,
  now: Date,
): Promise<void> {
  const paidBy = await payingAttempt(tx, payment.id);
  if (paidBy?.number !== refund.attempt) return;
  const refundedAmount = Number(payment.refunded_amount) + Number(refund.amount);
  const terms = { status: payment.status, amount: Number(payment.amount) };
  await tx.payment.update({
    where: { id: payment.id },
    data: {
      version: { increment: 1 },
      status: refundedStatus(terms, refundedAmount),
      refunded_amount: refundedAmount,
      updated_at: now,
    },
  });
}
