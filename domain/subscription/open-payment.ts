/** Which payment a subscription waits for. Pure; safe for workflows. */
import type { SubscriptionFacts } from './facts';
import { isFinal } from './subscription';

/**
 * Whether the subscription still waits for this payment: it has neither recorded the period as paid nor the change as
 * done that the payment is for. A final subscription waits for nothing.
 */
export function waitsForPayment(
  subscription: Pick<SubscriptionFacts, 'status' | 'open_payment_id' | 'pending_change'>,
  paymentId: string,
): boolean {
  const { status, open_payment_id: open, pending_change: pending } = subscription;
  return !isFinal(status) && (open === paymentId || pending?.payment_id === paymentId);
}
