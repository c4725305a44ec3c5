/**
 * What another payment method, or the end of a pause, means for payments: the retries of failed ones plan again, and a
 * first payment that is open is charged with the other card once its attempt is cancelled.
 *
 * A caller that changes what would be charged asks here, and sends what is returned after the commit. A message that
 * is lost is made up for by the reconciliation, which asks the same of the rows (`payment_method_not_planned`,
 * `other_card_not_tried`). Invariant: a retry that has ended is started again; whether a method is tried is the planner's
 * decision.
 */
import type { RetryReason, WorkflowMessage } from '../../contracts/workflows/messages';
import type { Database, Transaction } from '../../prisma/client';
import { paymentsToPlanAgain, retriedPayments, type MethodHolder } from './card-store';
import { paymentsOfOtherCard } from './other-card-store';

/** Finds the payments that a new or changed method may help. */
export async function wakeForNewMethod(
  on: Database | Transaction,
  holder: MethodHolder,
): Promise<WorkflowMessage[]> {
  const failed = messagesTo(await paymentsToPlanAgain(on, holder), 'paymentMethodChanged');
  const open = await paymentsOfOtherCard(on, holder);
  return [...failed, ...open.map((payment_id) => ({ kind: 'refresh_payment', payment_id }) as const)];
}

/** Finds the failed payments that waited for the end of a pause. */
export async function wakeAfterPause(
  on: Database | Transaction,
  subscriptionId: string,
): Promise<WorkflowMessage[]> {
  return messagesTo(await retriedPayments(on, subscriptionId), 'release');
}

function messagesTo(paymentIds: readonly string[], reason: RetryReason): WorkflowMessage[] {
  return paymentIds.map((payment_id) => ({ kind: 'start_retry', payment_id, reason }));
}
