/**
 * What records mean for the process of a subscription.
 *
 * Invariants: judged by the rows before a process is woken, so a repeated, late or foreign record costs a read; what the
 * rows hold already is not reported again; no record is believed about money; an ended subscription is not woken.
 */
import type { EventData } from '../../contracts/topics/events';
import type { WorkflowMessage } from '../../contracts/workflows/messages';
import type { Database } from '../../prisma/client';
import { confirmPaymentOutcome } from '../payment/confirm-outcome';

/** Decides whether a subscription has to be notified of a payment that completed. @throws Unprocessable */
export async function promptAfterPayment(
  db: Database,
  completed: EventData<'payments.completed'>,
): Promise<WorkflowMessage[]> {
  await confirmPaymentOutcome(db, completed);
  const { subscription_id, payment_id, period_index } = completed;
  if (subscription_id === null) return [];
  // Whoever took the money may be about to apply it: the process decides by the row, in its turn.
  const payment = await db.payment.findUnique({
    where: { id: payment_id },
    select: { unapplied_amount: true },
  });
  if (payment === null || payment.unapplied_amount === 0n) return [];
  return [{ kind: 'payment_completed', subscription_id, payload: { payment_id, period_index } }];
}
