/**
 * Manual retry requests: recording one with its event, and listing them.
 *
 * Refuses at once what can be known at once. The Retry Service makes the attempt and judges again. Invariant: request
 * and event are committed together.
 */
import type { Actor } from '../../contracts/fields';
import type { Payment } from '../../contracts/http/payments';
import { retryRequest, type RetryPayment, type RetryRequest } from '../../contracts/http/retries';
import { notFound, ProblemError, validationFailed } from '../../contracts/problem-error';
import { paymentKey } from '../../contracts/topics/event-keys';
import { retryRequestedEventId } from '../../domain/event-ids';
import type { TraceContext } from '../../domain/trace';
import { inTransaction, type Database, type Transaction } from '../../prisma/client';
import { sql } from '../../prisma/sql';
import { customersTimesAt, timesForCustomer } from '../clock';
import { lockPaymentInOrder } from '../locks';
import { appendToOutbox } from '../outbox';
import { requirePayment } from '../payment/payments';
import { refusalNow } from '../payment/retry-facts';
import { findPayment } from '../payment/store';
import { instantOrNull, toPayment, type PaymentRow } from '../rows';

export interface ManualRetry {
  paymentId: string;
  /** Derived from the Idempotency-Key when there is one. */
  requestId: string;
  request: RetryPayment;
  actor: Actor;
  /** W3C trace context of the call. */
  trace: TraceContext;
}

/**
 * Records a manual retry request, once by its id.
 * @throws ProblemError `not_found`, `validation_failed`, `payment_not_retryable`
 */
export async function requestRetry(db: Database, retry: ManualRetry): Promise<Payment> {
  await requirePayment(db, retry.paymentId);
  return toPayment(await inTransaction(db, (tx) => recordRequest(tx, retry)));
}

async function recordRequest(tx: Transaction, retry: ManualRetry): Promise<PaymentRow> {
  const { paymentId, requestId, request, actor, trace } = retry;
  const { payment, subscription } = await lockPaymentInOrder(tx, paymentId);
  // Only a derived id can have a row already: an earlier run under the same Idempotency-Key created it.
  if (await isRequested(tx, requestId)) return payment;
  const methodId = request.payment_method_id ?? null;
  if (methodId !== null && !(await isMethodOf(tx, payment.customer_id, methodId))) {
    throw validationFailed([
      { path: 'payment_method_id', message: 'must be a payment method of this customer' },
    ]);
  }
  const { now, realNow } = await timesForCustomer(tx, payment.customer_id);
  const refusal =
    (await refusalNow(tx, payment, subscription, methodId, now)) ??
    // One attempt serves all requests that wait.
    ((await hasOpenRequest(tx, paymentId)) ? 'in_flight' : null);
  if (refusal !== null) {
    const detail = `The payment cannot be tried again now: ${refusal.replaceAll('_', ' ')}.`;
    throw new ProblemError('payment_not_retryable', detail, { payment_id: paymentId, reason: refusal });
  }
  enqueueRequest(tx, retry, realNow);
  const { subscription_id, customer_id } = payment;
  const event = {
    topic: 'payments.retry.requested' as const,
    id: retryRequestedEventId(paymentId, requestId),
    source: '/api-gateway' as const,
    subject: paymentId,
    key: paymentKey({ payment_id: paymentId, subscription_id }),
    data: {
      payment_id: paymentId,
      subscription_id,
      customer_id,
      retry_request_id: requestId,
      payment_method_id: methodId,
      reason: request.reason,
      actor,
    },
    trace,
  };
  appendToOutbox(tx, event, realNow);
  return payment;
}

async function isRequested(tx: Transaction, requestId: string): Promise<boolean> {
  const rows = await sql(tx).query`SELECT 1 AS found FROM retry_requests WHERE id = ${requestId}`;
  return rows.length > 0;
}

async function hasOpenRequest(tx: Transaction, paymentId: string): Promise<boolean> {
  const rows = await sql(tx).query`
    SELECT 1 AS found FROM retry_requests WHERE payment_id = ${paymentId} AND settled_at IS NULL LIMIT 1`;
  return rows.length > 0;
}

async function isMethodOf(tx: Transaction, customerId: string, methodId: string): Promise<boolean> {
  const rows = await sql(tx).query`
    SELECT 1 AS found FROM payment_methods
    WHERE id = ${methodId} AND customer_id = ${customerId} AND deleted_at IS NULL`;
  return rows.length > 0;
}

function enqueueRequest(tx: Transaction, retry: ManualRetry, at: Date): void {
  const { paymentId, requestId, request, actor, trace } = retry;
  sql(tx).enqueue`
    INSERT INTO retry_requests (id, payment_id, payment_method_id, reason, actor, trace, requested_at)
    VALUES (${requestId}, ${paymentId}, ${request.payment_method_id ?? null}, ${request.reason},
      ${JSON.stringify(actor)}::jsonb, ${JSON.stringify(trace)}::jsonb, ${at})`;
}

/** Lists the manual retry requests of a payment, newest first, at most `limit`. @throws ProblemError `not_found` */
export async function listRetryRequests(
  db: Database,
  paymentId: string,
  limit: number,
): Promise<RetryRequest[]> {
  const payment = await findPayment(db, paymentId);
  if (payment === null) throw notFound('payment');
  const rows = await db.retryRequest.findMany({
    where: { payment_id: paymentId },
    orderBy: [{ requested_at: 'desc' }, { id: 'desc' }],
    take: limit,
  });
  const { customer_id } = payment;
  const asked = rows.map(({ requested_at: recordedAt }) => ({ customer_id, recordedAt }));
  const instants = await customersTimesAt(db, asked);
  return rows.map((row, place) =>
    retryRequest.parse({
      ...row,
      at: instants[place]?.toISOString(),
      requested_at: row.requested_at.toISOString(),
      settled_at: instantOrNull(row.settled_at),
    }),
  );
}
