/**
 * Routes of refunds.
 *
 * Invariant: the API writes no refund; what it answers was read after the payment's process had reserved it.
 */
import { z } from 'zod';
import { actorOf } from '../../access/authentication';
import { detachTexts } from '../../billing/command-texts';
import { requirePayment } from '../../billing/payment/payments';
import { listRefunds, readRefund } from '../../billing/payment/refunds';
import { id } from '../../contracts/fields';
import { listOf, pageQuery } from '../../contracts/http/lists';
import { createRefund, refund, type CreateRefund } from '../../contracts/http/refunds';
import { pageBody, readPage } from '../http/cursors';
import type { ApiDependencies } from '../http/dependencies';
import { route, updateIdOf, type Answer, type Call } from '../http/route';

const tag = 'Payments';
const list = 'refunds';
const params = z.object({ payment_id: id });

async function create(
  call: Call<z.output<typeof params>, unknown, CreateRefund>,
  deps: ApiDependencies,
): Promise<Answer> {
  const paymentId = call.params.payment_id;
  await requirePayment(deps.db, paymentId);
  const refundId = call.idFor('refund');
  const { amount = null, reason } = call.body;
  const command = await detachTexts(
    deps.db,
    { id: deps.newUuid(), subject: { type: 'payment', id: paymentId } },
    { refund_id: refundId, amount, reason, actor: actorOf(call.caller, reason), ...call.trace },
  );
  await deps.payments.refund(paymentId, command, updateIdOf(call, deps));
  return { status: 201, body: await readRefund(deps.db, refundId) };
}

export const refundRoutes = [
  route({
    method: 'post',
    path: '/payments/{payment_id}/refunds',
    operationId: 'createRefund',
    tag,
    summary: 'Refund a payment',
    description:
      'All that is left of it, or an amount. `pending`: the provider has not given a final answer yet, and is asked ' +
      'again until it does; read the refunds to see how that ended.',
    scope: 'payments:write',
    params,
    body: createRefund,
    answers: { 201: { description: 'The refund.', schema: refund } },
    problems: ['not_found', 'payment_not_refundable', 'too_many_requests'],
    handle: create,
  }),
  route({
    method: 'get',
    path: '/payments/{payment_id}/refunds',
    operationId: 'listRefunds',
    tag,
    summary: 'List a payment’s refunds, newest first',
    scope: 'payments:read',
    params,
    query: pageQuery,
    answers: { 200: { description: 'A page.', schema: listOf(refund) } },
    problems: ['not_found', 'malformed_cursor'],
    async handle({ params, query }, { db }) {
      const page = await listRefunds(db, params.payment_id, readPage(list, query));
      return { status: 200, body: pageBody(list, page) };
    },
  }),
];
