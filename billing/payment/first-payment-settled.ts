/** Whom the outcome of a subscription's first payment is signalled to. */
import type { FirstPaymentSettled } from '../../contracts/workflows/commands';
import type { WorkflowMessage } from '../../contracts/workflows/messages';
import { isFinal } from '../../domain/subscription/subscription';
import type { Database } from '../../prisma/client';
import { subscriptionRow } from '../rows';

/**
 * Returns the message about the outcome of a first or proration payment; a final subscription gets none.
 * @returns messages to send, none or one
 */
export async function messagesOfFirstPayment(
  db: Database,
  subscriptionId: string,
  settled: FirstPaymentSettled,
): Promise<WorkflowMessage[]> {
  const row = await db.subscription.findUnique({ where: { id: subscriptionId }, select: { status: true } });
  if (row === null || isFinal(subscriptionRow(row).status)) return [];
  return [{ kind: 'first_payment_settled', subscription_id: subscriptionId, payload: settled }];
}
