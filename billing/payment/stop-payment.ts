/** What an ended subscription means for a payment that was not paid: nothing more is charged. */
import type { WorkflowMessage } from '../../contracts/workflows/messages';
import { endsWithSubscription, isPaymentOpen, isPaymentPaid } from '../../domain/payment/payment';
import { isFinal } from '../../domain/subscription/subscription';
import { inTransaction, type Database } from '../../prisma/client';
import { lockPaymentInOrder } from '../locks';
import { paymentRow } from '../rows';
import { Unprocessable } from '../unprocessable';
import { enqueueCancellation } from './store';

/** Decides how a payment is stopped. @returns what the processes are to get. @throws Unprocessable `unknown_payment` */
export async function stopPayment(db: Database, paymentId: string): Promise<WorkflowMessage[]> {
  const found = await db.payment.findUnique({ where: { id: paymentId } });
  if (found === null) throw new Unprocessable('unknown_payment', `there is no payment ${paymentId}`);
  const { status, cancel_requested_at } = paymentRow(found);
  const messages: WorkflowMessage[] = [];
  // The retry process finds that nothing is left to charge.
  if (!isPaymentOpen(status) && !isPaymentPaid(status)) messages.push(retryEnds(paymentId));
  if (isPaymentOpen(status) && cancel_requested_at === null) {
    messages.push({ kind: 'cancel_payment', payment_id: paymentId, reason: 'subscription_cancelled' });
  }
  return messages;
}

/**
 * Cancels a failed payment whose subscription has ended without it.
 * @returns what the processes are to get; nothing when the payment ends otherwise
 */
export async function cancelAfterEnd(db: Database, paymentId: string): Promise<WorkflowMessage[]> {
  return inTransaction(db, async (tx) => {
    const { payment, subscription, realNow } = await lockPaymentInOrder(tx, paymentId);
    const isOver = subscription !== null && isFinal(subscription.status);
    if (!isOver || payment.status !== 'failed' || !endsWithSubscription(payment.kind)) return [];
    const unplanned = { ...payment, next_attempt_at: null };
    enqueueCancellation(tx, unplanned, 'cancelled', 'subscription_ended', realNow);
    return [retryEnds(paymentId)];
  });
}

function retryEnds(paymentId: string): WorkflowMessage {
  return { kind: 'wake_retry', payment_id: paymentId, reason: 'settled' };
}
