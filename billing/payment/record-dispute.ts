/**
 * A customer's bank takes the money of a payment back, or asks for it.
 *
 * Invariants: a disputed payment is no longer refunded (the bank decides about the money), and a person is told; told
 * again, nothing changes; what was never paid cannot be disputed.
 */
import { isPaymentPaid } from '../../domain/payment/payment';
import { databaseNow, type Transaction } from '../../prisma/client';
import { lockPaymentInOrder } from '../locks';
import { raiseOperatorTaskAgain } from '../operator-tasks';
import { paymentRow, type PaymentRow } from '../rows';

/** @returns whether this call marked it. @throws when there is no such payment */
export async function recordDispute(
  tx: Transaction,
  paymentId: string,
): Promise<{ recorded: boolean; payment: PaymentRow }> {
  const { payment } = await lockPaymentInOrder(tx, paymentId);
  const disputable = isPaymentPaid(payment.status) && payment.status !== 'disputed';
  if (!disputable) return { recorded: false, payment };
  const now = await databaseNow(tx);
  const saved = paymentRow(
    await tx.payment.update({
      where: { id: paymentId },
      data: { version: { increment: 1 }, status: 'disputed', next_attempt_at: null, updated_at: now },
    }),
  );
  const subject = { type: 'payment', id: paymentId } as const;
  const detail = 'The customer disputes the payment: answer the bank at the provider.';
  await raiseOperatorTaskAgain(tx, 'dispute', subject, detail, now);
  return { recorded: true, payment: saved };
}
