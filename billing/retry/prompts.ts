/**
 * What records mean for the retry process of a payment.
 *
 * Invariants: our own rows confirm an outcome before anything follows from it; a failure that a plan covers already, or
 * that a later attempt has followed, starts nothing; a manual retry request has one row, whichever producer published it.
 */
import { id as wellFormedId } from '../../contracts/fields';
import type { EventData } from '../../contracts/topics/events';
import type { WorkflowMessage } from '../../contracts/workflows/messages';
import { isRetried } from '../../domain/retry/eligibility';
import type { Database } from '../../prisma/client';
import { confirmPaymentOutcome } from '../payment/confirm-outcome';
import { Unprocessable } from '../unprocessable';

/** Decides whether a failed payment needs its retry process. @throws Unprocessable */
export async function promptAfterFailure(
  db: Database,
  failed: EventData<'payments.failed'>,
): Promise<WorkflowMessage[]> {
  const { payment, attempt } = await confirmPaymentOutcome(db, failed);
  if (payment.status !== 'failed' || !isRetried(payment.kind)) return [];
  const later = { payment_id: payment.id, number: { gt: attempt.number } };
  if ((await db.paymentAttempt.count({ where: later })) > 0) return [];
  const covering = { payment_id: payment.id, after_attempt: { gte: attempt.number } };
  if ((await db.retryPlan.count({ where: covering })) > 0) return [];
  return [{ kind: 'start_retry', payment_id: payment.id, reason: 'failed' }];
}

/** Accepts a manual retry request, once by its id; another producer's gets its row here. @throws Unprocessable */
export async function acceptRetryRequest(
  db: Database,
  requested: EventData<'payments.retry.requested'>,
): Promise<WorkflowMessage[]> {
  const { payment_id, subscription_id, customer_id, retry_request_id: id } = requested;
  const payment = await db.payment.findUnique({ where: { id: payment_id } });
  if (payment === null) throw new Unprocessable('unknown_payment', `there is no payment ${payment_id}`);
  if (payment.subscription_id !== subscription_id || payment.customer_id !== customer_id) {
    throw new Unprocessable('contradicts_payment', `${payment_id} is another's`);
  }
  if (!wellFormedId.safeParse(id).success) {
    throw new Unprocessable('contradicts_payment', 'the request’s id is not well-formed');
  }
  const { payment_method_id, reason, actor } = requested;
  await db.retryRequest.createMany({
    data: [{ id, payment_id, payment_method_id, reason, actor }],
    skipDuplicates: true,
  });
  const request = await db.retryRequest.findUniqueOrThrow({ where: { id } });
  if (request.payment_id !== payment_id) {
    throw new Unprocessable('contradicts_payment', `${request.id} is a request about another payment`);
  }
  if (request.settled_at !== null) return [];
  return [{ kind: 'start_retry', payment_id, reason: 'manualRetry' }];
}
