/** Routes of manual retries. */
import { z } from 'zod';
import { actorOf } from '../../access/authentication';
import { listRetryRequests, requestRetry } from '../../billing/retry/request-retry';
import { id } from '../../contracts/fields';
import { listOf, pageQuery } from '../../contracts/http/lists';
import { retryPayment, retryRequest, retryRequested } from '../../contracts/http/retries';
import { route } from '../http/route';

const tag = 'Retries';
const params = z.object({ payment_id: id });

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
    async handle({ params: { payment_id: paymentId }, body, caller, trace, idFor }, { db }) {
      const requestId = idFor('retry_request');
      const actor = actorOf(caller, body.reason);
      const retry = { paymentId, requestId, request: body, actor, trace };
      return {
        status: 202,
        body: { retry_request_id: requestId, payment: await requestRetry(db, retry) },
        headers: { Location: `/payments/${paymentId}/retry-requests` },
      };
    },
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
      const data = await listRetryRequests(db, params.payment_id, query.limit);
      return { status: 200, body: { data, next_cursor: null } };
    },
  }),
];
