/**
 * Routes of manual retries.
 *
 * Owns: refusing at once what can be known at once, and recording the wish with its event. Invariants: wish and event
 * are committed together; the attempt is made by the Retry Service, which judges again.
 */
import { z } from 'zod';
import { id } from '../../contracts/fields';
import { paymentKey } from '../../contracts/topics/event-keys';
import { listOf, pageQuery } from '../../contracts/http/lists';
import {
  retryPayment,
  retryRequest,
  retryRequested,
  type RetryPayment,
  type RetryRequest,
} from '../../contracts/http/retries';
import { retryRequestedEventId } from '../../domain/event-ids';
import { inTransaction, type Transaction } from '../../prisma/client';
import { timesFor } from '../../billing/clock';
import type { Prisma } from '../../prisma/generated/client';
import { lockPaymentInOrder } from '../../billing/locks';
import { appendToOutbox } from '../../billing/outbox';
import { refusalNow } from '../../billing/payment/retry-facts';
import { instantOrNull, toPayment } from '../../billing/rows';
import type { ApiDependencies } from '../http/dependencies';
import { notFound, ProblemError, validationFailed } from '../../contracts/problem-error';
import { route, type Answer, type Call } from '../http/route';

const tag = 'Retries';
const params = z.object({ payment_id: id });
type PaymentCall<Query, Body> = Call<z.output<typeof params>, Query, Body>;

async function retry(call: PaymentCall<unknown, RetryPayment>, { db }: ApiDependencies): Promise<Answer> {
  const paymentId = call.params.payment_id;
  if ((await db.payment.count({ where: { id: paymentId } })) === 0) throw notFound('payment');
  const requestId = call.idFor('retry_request');
  const row = await inTransaction(db, (tx) => request(tx, call, requestId));
  return {
    status: 202,
    body: { retry_request_id: requestId, payment: toPayment(row) },
    headers: { Location: `/payments/${paymentId}/retry-requests` },
  };
}

/** The wish and its event, once. @throws ProblemError */
async function request(
  tx: Transaction,
  { params: { payment_id: paymentId }, body, caller, traceparent }: PaymentCall<unknown, RetryPayment>,
  requestId: string,
): Promise<Prisma.PaymentGetPayload<object>> {
  const { payment, subscription } = await lockPaymentInOrder(tx, paymentId);
  // Only a derived id can have a row already: an earlier run under the same Idempotency-Key made it.
  if ((await tx.retryRequest.count({ where: { id: requestId } })) > 0) return payment;
  const customer = await tx.customer.findUniqueOrThrow({ where: { id: payment.customer_id } });
  const methodId = body.payment_method_id ?? null;
  if (methodId !== null) {
    const where = { id: methodId, customer_id: customer.id, deleted_at: null };
    if ((await tx.paymentMethod.count({ where })) === 0) {
      throw validationFailed([
        { path: 'payment_method_id', message: 'must be a payment method of this customer' },
      ]);
    }
  }
  const { now, realNow } = await timesFor(tx, customer.test_clock_id);
  const waiting = { payment_id: paymentId, settled_at: null };
  const refusal =
    (await refusalNow(tx, payment, subscription, methodId, now)) ??
    // Somebody wants the same already: one attempt is made for both.
    ((await tx.retryRequest.count({ where: waiting })) > 0 ? 'in_flight' : null);
  if (refusal !== null) {
    const detail = `The payment cannot be tried again now: ${refusal.replaceAll('_', ' ')}.`;
    throw new ProblemError('payment_not_retryable', detail, { payment_id: paymentId, reason: refusal });
  }
  const actor = { kind: 'api_key' as const, id: caller.id, reason: body.reason };
  const request = { id: requestId, payment_id: paymentId, payment_method_id: methodId, reason: body.reason };
  await tx.retryRequest.create({ data: { ...request, actor, requested_at: realNow } });
  const key = paymentKey({ payment_id: paymentId, subscription_id: payment.subscription_id });
  appendToOutbox(
    tx,
    {
      topic: 'payments.retry.requested',
      id: retryRequestedEventId(paymentId, requestId),
      source: '/api-gateway',
      subject: paymentId,
      key,
      data: {
        payment_id: paymentId,
        subscription_id: payment.subscription_id,
        customer_id: payment.customer_id,
        retry_request_id: requestId,
        payment_method_id: methodId,
        reason: body.reason,
        actor,
      },
      traceparent,
    },
    realNow,
  );
  return payment;
}

function toRetryRequest(row: Prisma.RetryRequestGetPayload<object>): RetryRequest {
  return retryRequest.parse({
    ...row,
    requested_at: row.requested_at.toISOString(),
    settled_at: instantOrNull(row.settled_at),
  });
}

export const retryRoutes = [
  route({
    method: 'post',
    path: '/payments/{payment_id}/retry',
    operationId: 'retryPayment',
    tag,
    summary: 'Try a failed payment again now',
    description:
      'What can be known at once is refused at once, with `reason`. What is found later ends the request as refused. ' +
      'A manual attempt counts against the card network’s budget and uses up no automatic one.',
    scope: 'operator',
    params,
    body: retryPayment,
    answers: { 202: { description: 'The attempt is made soon.', schema: retryRequested } },
    problems: ['not_found', 'payment_not_retryable'],
    handle: retry,
  }),
  route({
    method: 'get',
    path: '/payments/{payment_id}/retry-requests',
    operationId: 'listRetryRequests',
    tag,
    summary: 'List the manual retries of a payment, newest first',
    scope: 'payments:read',
    params,
    query: pageQuery,
    answers: { 200: { description: 'At most `limit`.', schema: listOf(retryRequest) } },
    problems: ['not_found'],
    async handle({ params, query }, { db }) {
      const { payment_id } = params;
      if ((await db.payment.count({ where: { id: payment_id } })) === 0) throw notFound('payment');
      const rows = await db.retryRequest.findMany({
        where: { payment_id },
        orderBy: [{ requested_at: 'desc' }, { id: 'desc' }],
        take: query.limit,
      });
      return { status: 200, body: { data: rows.map(toRetryRequest), next_cursor: null } };
    },
  }),
];
