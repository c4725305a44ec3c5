/**
 * A webhook that was received: its payment's rows first, then the process that waits for them.
 *
 * Invariant: the delivery's own row holds what the provider reported; a repeat settles nothing twice, and prompts a
 * waiting process again, which decides by the rows.
 */
import type { WorkflowMessage } from '../../contracts/workflows/messages';
import { inTransaction, type Database } from '../../prisma/client';
import { Unprocessable } from '../unprocessable';
import { processDelivery } from './process-delivery';

/**
 * Processes a delivery.
 * @returns what the payment's process is to get
 * @throws Unprocessable about a payment that does not exist, which may still be committed
 */
export async function processWebhook(db: Database, deliveryId: string): Promise<WorkflowMessage[]> {
  const result = await inTransaction(db, (tx) => processDelivery(tx, deliveryId));
  if (result.kind === 'absent') {
    throw new Unprocessable(`unknown_${result.what}`, `there is no ${result.what} for ${deliveryId}`);
  }
  return result.paymentId === null ? [] : promptsFor(db, result.paymentId);
}

/**
 * The process is started when only it can do what is left: give money back, or report the outcome of a first payment
 * to a subscription that was answered while it was open. It is prompted only if it runs when it may follow up an attempt
 * that a webhook has settled. It gets nothing when our own answer or a lookup settled everything.
 */
async function promptsFor(db: Database, paymentId: string): Promise<WorkflowMessage[]> {
  const payment = await db.payment.findUnique({
    where: { id: paymentId },
    select: {
      kind: true,
      subscription: { select: { status: true, version: true } },
      attempts: { where: { settled_by: 'webhook' }, take: 1, select: { number: true } },
      refunds: { select: { settled_at: true } },
    },
  });
  if (payment === null) return [];
  const { kind, subscription, attempts, refunds } = payment;
  const start: WorkflowMessage[] = [{ kind: 'refresh_payment', payment_id: paymentId }];
  const ifRunning: WorkflowMessage[] = [{ kind: 'refresh_running_payment', payment_id: paymentId }];
  if (refunds.some(({ settled_at }) => settled_at === null)) return start;
  const isIncomplete = subscription?.status === 'incomplete' && subscription.version > 0;
  if (kind === 'first' && isIncomplete) return attempts.length > 0 ? start : ifRunning;
  return attempts.length > 0 || refunds.length > 0 ? ifRunning : [];
}
