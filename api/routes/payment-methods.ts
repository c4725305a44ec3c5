/**
 * Routes of customers' payment methods.
 *
 * Invariant: nothing that looks like a card number is kept, logged or repeated.
 */
import { z } from 'zod';
import * as methods from '../../billing/customer/payment-methods';
import { valueHoldsCardNumber } from '../../contracts/card-numbers';
import { id } from '../../contracts/fields';
import {
  createPaymentMethod,
  deletePaymentMethod,
  paymentMethod,
  type CreatePaymentMethod,
} from '../../contracts/http/customers';
import { listOf, pageQuery } from '../../contracts/http/lists';
import { ProblemError, validationFailed } from '../../contracts/problem-error';
import { pageBody, readPage } from '../http/cursors';
import type { ApiDependencies } from '../http/dependencies';
import { route, type Answer, type Call } from '../http/route';

const tag = 'Payment methods';
const list = 'payment-methods';
const customerParams = z.object({ customer_id: id });
const methodParams = z.object({ customer_id: id, payment_method_id: id });

function refuseCardNumbers(body: unknown): void {
  if (!valueHoldsCardNumber(body)) return;
  const detail =
    'Send the token that the payment provider gave out, never a card number. Nothing was stored.';
  throw new ProblemError('card_number_refused', detail);
}

async function create(
  { params, body, idFor }: Call<z.output<typeof customerParams>, unknown, CreatePaymentMethod>,
  { db, providers, send }: ApiDependencies,
): Promise<Answer> {
  const provider = providers.get(body.provider);
  if (provider === undefined) {
    const names = [...providers.keys()].join(', ');
    const message = names === '' ? 'must be configured; no payment provider is' : `must be one of ${names}`;
    throw validationFailed([{ path: 'provider', message }]);
  }
  const { method: added, messages } = await methods.addPaymentMethod(db, {
    id: idFor('payment_method'),
    customerId: params.customer_id,
    fingerprint: provider.fingerprintOf?.(body.token) ?? null,
    isLive: provider.isLive,
    method: body,
  });
  await send(messages);
  return { status: 201, body: added, subjectId: added.id, personalDataOf: params.customer_id };
}

export const paymentMethodRoutes = [
  route({
    method: 'post',
    path: '/customers/{customer_id}/payment-methods',
    operationId: 'addPaymentMethod',
    tag,
    summary: 'Add a payment method',
    description:
      'By the token that the payment provider gave out. It becomes the default when `default` is true, or when it ' +
      'is left out and the customer has no default. The token is never answered.',
    scope: 'customers:write',
    params: customerParams,
    body: createPaymentMethod,
    inspectBody: refuseCardNumbers,
    answers: { 201: { description: 'The payment method.', schema: paymentMethod } },
    problems: ['not_found', 'customer_erased', 'card_number_refused', 'live_provider_on_test_clock'],
    handle: create,
  }),
  route({
    method: 'get',
    path: '/customers/{customer_id}/payment-methods',
    operationId: 'listPaymentMethods',
    tag,
    summary: 'List a customer’s payment methods, newest first',
    scope: 'customers:read',
    params: customerParams,
    query: pageQuery,
    answers: { 200: { description: 'A page.', schema: listOf(paymentMethod) } },
    problems: ['not_found', 'malformed_cursor'],
    async handle({ params, query }, { db }) {
      const page = await methods.listPaymentMethods(db, params.customer_id, readPage(list, query));
      return { status: 200, body: pageBody(list, page) };
    },
  }),
  route({
    method: 'delete',
    path: '/customers/{customer_id}/payment-methods/{payment_method_id}',
    operationId: 'deletePaymentMethod',
    tag,
    summary: 'Delete a payment method',
    description: 'Again: the same answer. One in use is kept unless another is the default or force is true.',
    scope: 'customers:write',
    params: methodParams,
    query: deletePaymentMethod,
    answers: { 204: { description: 'It is deleted.' } },
    problems: ['not_found', 'payment_method_in_use'],
    async handle({ params: { customer_id, payment_method_id }, query }, { db }) {
      await methods.deletePaymentMethod(db, customer_id, payment_method_id, query.force === 'true');
      return { status: 204, subjectId: payment_method_id };
    },
  }),
];
