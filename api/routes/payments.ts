/**
 * Routes of payments.
 *
 * Owns: reading them, asking for one of its own, and handing a wish to cancel to the payment's process. Invariant: what
 * a cancellation answers was read after the process had judged the wish.
 */
import { z } from 'zod';
import { id } from '../../contracts/fields';
import { listOf } from '../../contracts/http/lists';
import {
  cancelPayment,
  createPayment,
  listPayments,
  payment,
  type CancelPaymentRequest,
  type ListPayments,
} from '../../contracts/http/payments';
import { isPaymentOpen, type PaymentStatus } from '../../domain/payment/payment';
import type { Database } from '../../prisma/client';
import type { Prisma } from '../../prisma/generated/client';
import { toPayment } from '../../billing/rows';
import { pageArguments, pageOf } from '../http/cursors';
import type { ApiDependencies } from '../http/dependencies';
import { notFound, ProblemError } from '../../contracts/problem-error';
import { route, type Answer, type Call } from '../http/route';
import * as request from './create-payment';

const tag = 'Payments';
const list = 'payments';
const params = z.object({ payment_id: id });

type PaymentRow = Prisma.PaymentGetPayload<object>;

async function readWithAttempts(db: Database, paymentId: string) {
  const row = await db.payment.findUnique({
    where: { id: paymentId },
    include: { attempts: { orderBy: { number: 'asc' } } },
  });
  if (row === null) throw notFound('payment');
  return row;
}

async function listed(
  { query }: Call<unknown, ListPayments, unknown>,
  { db }: ApiDependencies,
): Promise<Answer> {
  const { after, ...page } = pageArguments(list, query);
  const { status, customer_id, subscription_id, category, from, to } = query;
  const failed = { failure: { path: ['category'], equals: category } };
  const created_at = {
    ...(from === undefined ? {} : { gte: new Date(from) }),
    ...(to === undefined ? {} : { lt: new Date(to) }),
  };
  const rows = await db.payment.findMany({
    where: {
      status,
      customer_id,
      subscription_id,
      ...(category === undefined ? {} : { attempts: { some: failed } }),
      AND: [{ created_at }, after],
    },
    ...page,
  });
  return { status: 200, body: pageOf(list, query, rows, (row) => toPayment(row)) };
}

async function cancel(
  call: Call<z.output<typeof params>, unknown, CancelPaymentRequest>,
  { db, payments, newUuid }: ApiDependencies,
): Promise<Answer> {
  const { payment_id: paymentId } = call.params;
  const before = await readWithAttempts(db, paymentId);
  if (before.status === 'cancelled') return { status: 200, body: toPayment(before, before.attempts) };
  if (before.kind !== 'manual') throw notCancellable(before, 'collected_by_subscription');
  // Callers may repeat a request id; the asking must be a new one each time.
  await payments.cancel(paymentId, { reason: call.body.reason }, `${call.requestId}/${newUuid()}`);
  const after = await readWithAttempts(db, paymentId);
  if (!isCancelled(after)) throw notCancellable(after, after.status);
  return { status: 200, body: toPayment(after, after.attempts) };
}

/** Cancelled, or about to be: the open attempt's failure is the cancellation, its success is refunded. */
function isCancelled({ status, cancel_requested_at }: PaymentRow): boolean {
  return status === 'cancelled' || (cancel_requested_at !== null && isPaymentOpen(status as PaymentStatus));
}

function notCancellable({ id, status }: PaymentRow, reason: string): ProblemError {
  const why =
    reason === 'collected_by_subscription' ? 'belongs to a subscription and ends with it' : `is ${status}`;
  return new ProblemError('payment_not_cancellable', `The payment ${why}.`, { payment_id: id, reason });
}

export const paymentRoutes = [
  route({
    method: 'post',
    path: '/payments',
    operationId: 'createPayment',
    tag,
    summary: 'Ask for a payment outside of a subscription’s periods',
    description:
      'Answered before it is attempted: read the payment, or wait for it on `payments.completed` and `payments.failed`.',
    scope: 'payments:write',
    body: createPayment,
    answers: { 202: { description: 'The payment, `requested`.', schema: payment } },
    problems: ['subscription_final', 'subscription_state'],
    handle: request.createPayment,
  }),
  route({
    method: 'get',
    path: '/payments',
    operationId: 'listPayments',
    tag,
    summary: 'List payments, newest first, without their attempts',
    scope: 'payments:read',
    query: listPayments,
    answers: { 200: { description: 'A page.', schema: listOf(payment) } },
    problems: ['malformed_cursor'],
    handle: listed,
  }),
  route({
    method: 'get',
    path: '/payments/{payment_id}',
    operationId: 'getPayment',
    tag,
    summary: 'Read a payment with its attempts',
    scope: 'payments:read',
    params,
    answers: { 200: { description: 'The payment.', schema: payment } },
    problems: ['not_found'],
    async handle(call, { db }) {
      const row = await readWithAttempts(db, call.params.payment_id);
      return { status: 200, body: toPayment(row, row.attempts) };
    },
  }),
  route({
    method: 'post',
    path: '/payments/{payment_id}/cancel',
    operationId: 'cancelPayment',
    tag,
    summary: 'Cancel a payment',
    description:
      'Without an open attempt it is `cancelled` at once. With one the wish is kept: the attempt’s failure cancels ' +
      'the payment, its success is refunded in full. Again: 200, unchanged.',
    scope: 'payments:write',
    params,
    body: cancelPayment,
    answers: { 200: { description: 'The payment.', schema: payment } },
    problems: ['not_found', 'payment_not_cancellable'],
    handle: cancel,
  }),
];
