/**
 * Group retry-service: what a failed payment means for further attempts, and what people want of it.
 *
 * Invariants: an outcome is confirmed by our own rows before anything follows from it; a failure that a plan covers
 * already, or that is not the latest word, starts nothing; a wish has one row, whoever asked.
 */
import type { ReadEvent } from '../../contracts/topics/envelope';
import { id as wellFormedId } from '../../contracts/fields';
import { messages, retryStart } from '../../contracts/workflows/workflows';
import type { Database } from '../../prisma/client';
import type { Handlers } from '../consumer/consumer';
import type { WorkflowClient } from '../../temporal/client';
import { Unprocessable } from '../../billing/unprocessable';
import { confirmPaymentOutcome } from '../../billing/payment/confirm-outcome';

export interface RetryServiceDependencies {
  db: Database;
  client: WorkflowClient;
}

export function retryServiceHandlers(deps: RetryServiceDependencies): Handlers {
  return {
    'payments.failed': (event) => onFailed(deps, event),
    'payments.retry.requested': (event) => onRequested(deps, event),
  };
}

async function onFailed(
  { db, client }: RetryServiceDependencies,
  event: ReadEvent<'payments.failed'>,
): Promise<void> {
  const { payment, attempt } = await confirmPaymentOutcome(db, event.data);
  const isRetried = payment.kind === 'renewal' || payment.kind === 'manual';
  if (payment.status !== 'failed' || !isRetried) return;
  const later = { payment_id: payment.id, number: { gt: attempt.number } };
  if ((await db.paymentAttempt.count({ where: later })) > 0) return;
  const covering = { payment_id: payment.id, after_attempt: { gte: attempt.number } };
  if ((await db.retryPlan.count({ where: covering })) > 0) return;
  await client.signalWithStart(retryStart(payment.id), {
    name: messages.failed,
    args: [],
    eventId: event.id,
  });
}

async function onRequested(
  { db, client }: RetryServiceDependencies,
  { id, data }: ReadEvent<'payments.retry.requested'>,
): Promise<void> {
  const payment = await db.payment.findUnique({ where: { id: data.payment_id } });
  if (payment === null) throw new Unprocessable('unknown_payment', `there is no payment ${data.payment_id}`);
  if (payment.subscription_id !== data.subscription_id || payment.customer_id !== data.customer_id) {
    throw new Unprocessable('contradicts_payment', `${data.payment_id} is another's`);
  }
  if (!wellFormedId.safeParse(data.retry_request_id).success) {
    throw new Unprocessable('contradicts_payment', 'the request’s id is not well-formed');
  }
  // Asked for by another producer than our API: its wish gets its row here.
  await db.retryRequest.createMany({
    data: [
      {
        id: data.retry_request_id,
        payment_id: data.payment_id,
        payment_method_id: data.payment_method_id,
        reason: data.reason,
        actor: data.actor,
      },
    ],
    skipDuplicates: true,
  });
  const request = await db.retryRequest.findUniqueOrThrow({ where: { id: data.retry_request_id } });
  if (request.payment_id !== data.payment_id) {
    throw new Unprocessable('contradicts_payment', `${request.id} is a wish about another payment`);
  }
  if (request.settled_at !== null) return;
  await client.signalWithStart(retryStart(payment.id), {
    name: messages.manualRetry,
    args: [],
    eventId: id,
  });
}
