/**
 * Routes of customers' payment methods.
 *
 * Owns: adding, defaulting and deleting them. Invariants: the provider's token comes in and never goes out; nothing
 * that looks like a card number is kept, logged or repeated; a deletion that would leave a running subscription
 * without any is refused unless it is forced.
 */
import { z } from 'zod';
import { id } from '../../contracts/fields';
import {
  createPaymentMethod,
  deletePaymentMethod,
  paymentMethod,
  type CreatePaymentMethod,
  type PaymentMethod,
} from '../../contracts/http/customers';
import { listOf, pageQuery } from '../../contracts/http/lists';
import { isFinal, subscriptionStatuses } from '../../domain/subscription/subscription';
import { databaseNow, inTransaction, type Transaction } from '../../prisma/client';
import type { Prisma } from '../../prisma/generated/client';
import { valueHoldsCardNumber } from '../../contracts/card-numbers';
import { pageArguments, pageOf } from '../http/cursors';
import type { ApiDependencies } from '../http/dependencies';
import { ProblemError, notFound, validationFailed } from '../../contracts/problem-error';
import { route, type Answer, type Call } from '../http/route';
import { lockCustomer, refuseErased } from './customers';

const tag = 'Payment methods';
const list = 'payment-methods';
const customerParams = z.object({ customer_id: id });
const methodParams = z.object({ customer_id: id, payment_method_id: id });
type CustomerParams = z.output<typeof customerParams>;
type MethodParams = z.output<typeof methodParams>;
const runningStatuses = subscriptionStatuses.filter((status) => !isFinal(status));

function toPaymentMethod(
  row: Prisma.PaymentMethodGetPayload<object>,
  defaultId: string | null,
): PaymentMethod {
  return {
    id: row.id,
    customer_id: row.customer_id,
    provider: row.provider,
    brand: row.brand,
    last4: row.last4,
    exp_month: row.exp_month,
    exp_year: row.exp_year,
    default: row.id === defaultId,
    created_at: row.created_at.toISOString(),
  };
}

function refuseCardNumbers(body: unknown): void {
  if (!valueHoldsCardNumber(body)) return;
  const detail =
    'Send the token that the payment provider gave out, never a card number. Nothing was stored.';
  throw new ProblemError('card_number_refused', detail);
}

async function create(
  call: Call<CustomerParams, unknown, CreatePaymentMethod>,
  { db, providers }: ApiDependencies,
): Promise<Answer> {
  const customerId = call.params.customer_id;
  const { default: wanted, ...fields } = call.body;
  const provider = providers.get(fields.provider);
  if (provider === undefined) {
    const names = [...providers.keys()].join(', ');
    throw validationFailed([{ path: 'provider', message: `must be one of ${names}` }]);
  }
  const fingerprint = provider.fingerprintOf?.(fields.token) ?? null;
  const methodId = call.idFor('payment_method');
  const made = await inTransaction(db, async (tx) => {
    const customer = await lockCustomer(tx, customerId);
    const before = await tx.paymentMethod.findUnique({ where: { id: methodId } });
    if (before !== null) return toPaymentMethod(before, customer.default_payment_method_id);
    refuseErased(customer);
    const row = await tx.paymentMethod.create({
      data: { ...fields, fingerprint, id: methodId, customer_id: customerId },
    });
    const isDefault = wanted ?? customer.default_payment_method_id === null;
    if (!isDefault) return toPaymentMethod(row, customer.default_payment_method_id);
    await tx.customer.update({ where: { id: customerId }, data: { default_payment_method_id: methodId } });
    return toPaymentMethod(row, methodId);
  });
  return { status: 201, body: made, subjectId: methodId, personalDataOf: customerId };
}

async function remove(
  { params, query }: Call<MethodParams, z.output<typeof deletePaymentMethod>, unknown>,
  { db }: ApiDependencies,
): Promise<Answer> {
  const { customer_id: customerId, payment_method_id: methodId } = params;
  await inTransaction(db, async (tx) => {
    const customer = await lockCustomer(tx, customerId);
    const method = await tx.paymentMethod.findFirst({ where: { id: methodId, customer_id: customerId } });
    if (method === null) throw notFound('payment method');
    if (method.deleted_at !== null) return;
    const defaultId = customer.default_payment_method_id;
    const replaced = defaultId !== null && defaultId !== methodId;
    if (query.force !== 'true' && !replaced && (await isInUse(tx, customerId, methodId, defaultId))) {
      const detail = 'A subscription pays with it. Make another one the default first, or send force=true.';
      throw new ProblemError('payment_method_in_use', detail);
    }
    const deleted_at = await databaseNow(tx);
    await tx.paymentMethod.update({ where: { id: methodId }, data: { deleted_at } });
    if (defaultId === methodId) {
      await tx.customer.update({ where: { id: customerId }, data: { default_payment_method_id: null } });
    }
  });
  return { status: 204, subjectId: methodId };
}

/** A running subscription pays with it: named by the subscription, or as the default of one that names none. */
async function isInUse(
  tx: Transaction,
  customerId: string,
  methodId: string,
  defaultId: string | null,
): Promise<boolean> {
  const named = [{ payment_method_id: methodId }];
  const byDefault = defaultId === methodId ? [{ payment_method_id: null }] : [];
  const users = await tx.subscription.count({
    where: { customer_id: customerId, status: { in: runningStatuses }, OR: [...named, ...byDefault] },
  });
  return users > 0;
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
    problems: ['not_found', 'customer_erased', 'card_number_refused'],
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
      const { after, ...page } = pageArguments(list, query);
      const customer = await db.customer.findUnique({ where: { id: params.customer_id } });
      if (customer === null) throw notFound('customer');
      const where = { customer_id: customer.id, deleted_at: null, ...after };
      const rows = await db.paymentMethod.findMany({ where, ...page });
      const body = pageOf(list, query, rows, (row) =>
        toPaymentMethod(row, customer.default_payment_method_id),
      );
      return { status: 200, body };
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
    handle: remove,
  }),
];
