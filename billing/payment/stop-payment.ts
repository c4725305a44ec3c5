/** What an ended subscription means for a payment that was open: nothing more is charged. */
import type { WorkflowMessage } from '../../contracts/workflows/messages';
import { isPaymentOpen } from '../../domain/payment/payment';
import type { Database } from '../../prisma/client';
import { paymentRow } from '../rows';
import { Unprocessable } from '../unprocessable';

/** Decides how a payment is stopped. @returns what the processes are to get. @throws Unprocessable `unknown_payment` */
export async function stopPayment(db: Database, paymentId: string): Promise<WorkflowMessage[]> {
  const found = await db.payment.findUnique({ where: { id: paymentId } });
  if (found === null) throw new Unprocessable('unknown_payment', `there is no payment ${paymentId}`);
  const { status, cancel_requested_at } = paymentRow(found);
  const messages: WorkflowMessage[] = [];
  // The retry process finds that nothing is left to charge.
  if (status === 'failed') messages.push({ kind: 'wake_retry', payment_id: paymentId, reason: 'settled' });
  if (isPaymentOpen(status) && cancel_requested_at === null) {
    messages.push({ kind: 'cancel_payment', payment_id: paymentId, reason: 'subscription_cancelled' });
  }
  return messages;
}
