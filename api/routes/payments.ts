/** Routes of payments. Invariant: what a cancellation answers was read after the process had judged the request. */
import { z } from 'zod';
import { actorOf } from '../../access/authentication';
import { detachTexts } from '../../billing/command-texts';
import { createPayment } from '../../billing/payment/create';
import * as payments from '../../billing/payment/payments';
import { id } from '../../contracts/fields';
import { listOf } from '../../contracts/http/lists';
import {
  cancelPayment,
  createPayment as newPayment,
  listPayments,
  payment,
  type CancelPaymentRequest,
} from '../../contracts/http/payments';
import { pageBody, readPage } from '../http/cursors';
import type { ApiDependencies } from '../http/dependencies';
import { route, updateIdOf, type Answer, type Call } from '../http/route';

const tag = 'Payments';
const list = 'payments';
const params = z.object({ payment_id: id });

async function cancel(
  call: Call<z.output<typeof params>, unknown, CancelPaymentRequest>,
  deps: ApiDependencies,
): Promise<Answer> {
  const { payment_id: paymentId } = call.params;
  const cancelled = await payments.judgeCancellation(deps.db, paymentId);
  if (cancelled !== null) return { status: 200, body: cancelled };
  const owner = { id: deps.newUuid(), subject: { type: 'payment', id: paymentId } } as const;
  const request = await detachTexts(deps.db, owner, { reason: call.body.reason, ...call.trace });
  await deps.payments.cancel(paymentId, request, updateIdOf(call, deps));
  return { status: 200, body: await payments.readCancelled(deps.db, paymentId) };
}

export const paymentRoutes = [
  route({
    method: 'post',
    path: '/payments',
    operationId: 'createPayment',
    tag,
    summary: 'Request a payment outside of a subscription’s periods',
    description:
      'Answered before it is attempted: read the payment, or wait for it on `payments.completed` and `payments.failed`.',
    scope: 'payments:write',
    body: newPayment,
    answers: { 202: { description: 'The payment, `requested`.', schema: payment } },
    problems: ['subscription_final', 'subscription_state'],
    async handle({ body, caller, trace, idFor }, { db }) {
      const actor = actorOf(caller, body.reason);
      const id = idFor('payment');
      const created = await createPayment(db, { id, request: body, actor, trace });
      return { status: 202, body: created, headers: { Location: `/payments/${id}` }, subjectId: id };
    },
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
    async handle({ query }, { db }) {
      const page = await payments.listPayments(db, query, readPage(list, query));
      return { status: 200, body: pageBody(list, page) };
    },
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
      return { status: 200, body: await payments.readPayment(db, call.params.payment_id) };
    },
  }),
  route({
    method: 'post',
    path: '/payments/{payment_id}/cancel',
    operationId: 'cancelPayment',
    tag,
    summary: 'Cancel a payment',
    description:
      'Without an open attempt it is `cancelled` at once. With one the request is kept: the attempt’s failure cancels ' +
      'the payment, its success is refunded in full. Again: 200, unchanged.',
    scope: 'payments:write',
    params,
    body: cancelPayment,
    answers: { 200: { description: 'The payment.', schema: payment } },
    problems: ['not_found', 'payment_not_cancellable', 'too_many_requests'],
    handle: cancel,
  }),
];
