/**
 * A customer's bank takes the money of a payment back, or asks for it.
 *
 * Invariants: a disputed payment is no longer refunded (the bank decides about the money), and a person is told; told
 * again, nothing changes; what was never paid cannot be disputed.
 */
import { isPaymentPaid } from '../../domain/payment/payment';
import type { Transaction } from '../../prisma/client';
import { lockPaymentInOrder } from '../locks';
import { enqueueReopenedTask } from '../operator-tasks';
import type { PaymentRow } from '../rows';
import { enqueueDispute } from './store';

/** @returns whether this call marked it. @throws when there is no such payment */
export async function recordDispute(
  tx: Transaction,
  paymentId: string,
): Promise<{ recorded: boolean; payment: PaymentRow }> {
  const { payment, realNow } = await lockPaymentInOrder(tx, paymentId);
  const disputable = isPaymentPaid(payment.status) && payment.status !== 'disputed';
  if (!disputable) return { recorded: false, payment };
  const saved = enqueueDispute(tx, payment, realNow);
  const subject = { type: 'payment', id: paymentId } as const;
  const detail = 'The customer disputes the payment: answer the bank at the provider.';
  enqueueReopenedTask(tx, 'dispute', subject, detail, realNow);
  return { recorded: true, payment: saved };
}
