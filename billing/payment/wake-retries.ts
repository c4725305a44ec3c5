/**
 * What another payment method, or the end of a pause, means for payments that failed: their retries plan again.
 *
 * A caller that changes what would be charged asks here, and sends what is returned after the commit. A message that
 * is lost is made up for by the reconciliation, which asks the same of the rows (`payment_method_not_planned`).
 * Invariant: a retry that has ended is started again; whether a method is tried is the planner's decision.
 */
import type { RetryReason, WorkflowMessage } from '../../contracts/workflows/messages';
import type { Database, Transaction } from '../../prisma/client';
import { paymentsToPlanAgain, retriedPayments, type MethodHolder } from './card-store';

/** Finds the failed payments that a new or changed method may help. */
export async function wakeForNewMethod(
  on: Database | Transaction,
  holder: MethodHolder,
): Promise<WorkflowMessage[]> {
  return messagesTo(await paymentsToPlanAgain(on, holder), 'paymentMethodChanged');
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
