/**
 * Routes of refunds.
 *
 * Owns: reading them, and handing a wish for one to the payment's process. Invariant: the API writes no refund; what it
 * answers was read after the process had promised it.
 */
import { z } from 'zod';
import { id } from '../../contracts/fields';
import { listOf, pageQuery } from '../../contracts/http/lists';
import { createRefund, refund, type CreateRefund } from '../../contracts/http/refunds';
import { toRefund } from '../../billing/rows';
import { pageArguments, pageOf } from '../http/cursors';
import type { ApiDependencies } from '../http/dependencies';
import { notFound } from '../../contracts/problem-error';
import { route, type Answer, type Call } from '../http/route';

const tag = 'Payments';
const list = 'refunds';
const params = z.object({ payment_id: id });

async function create(
  call: Call<z.output<typeof params>, unknown, CreateRefund>,
  { db, payments, newUuid }: ApiDependencies,
): Promise<Answer> {
  const paymentId = call.params.payment_id;
  if ((await db.payment.count({ where: { id: paymentId } })) === 0) throw notFound('payment');
  const refundId = call.idFor('refund');
  const { amount = null, reason } = call.body;
  const actor = { kind: 'api_key' as const, id: call.caller.id, reason };
  // Callers may repeat a request id; the asking must be a new one each time.
  const asking = `${call.requestId}/${newUuid()}`;
  await payments.refund(paymentId, { refund_id: refundId, amount, reason, actor }, asking);
  const row = await db.refund.findUniqueOrThrow({ where: { id: refundId } });
  return { status: 201, body: toRefund(row) };
}

export const refundRoutes = [
  route({
    method: 'post',
    path: '/payments/{payment_id}/refunds',
    operationId: 'createRefund',
    tag,
    summary: 'Give money of a payment back',
    description:
      'All that is left of it, or an amount. `pending`: the provider has not given a final answer yet, and is asked ' +
      'again until it does; read the refunds to see how that ended.',
    scope: 'payments:write',
    params,
    body: createRefund,
    answers: { 201: { description: 'The refund.', schema: refund } },
    problems: ['not_found', 'payment_not_refundable'],
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
      const { after, ...page } = pageArguments(list, query);
      const { payment_id } = params;
      if ((await db.payment.count({ where: { id: payment_id } })) === 0) throw notFound('payment');
      const rows = await db.refund.findMany({ where: { payment_id, ...after }, ...page });
      return { status: 200, body: pageOf(list, query, rows, toRefund) };
    },
  }),
];
