/**
 * Routes of customers.
 *
 * Owns: their personal data and its erasure. Invariant: erasing leaves the records of money as they are, and leaves
 * no personal data behind, answers kept for repeats included.
 */
import { z } from 'zod';
import { id } from '../../contracts/fields';
import {
  changeCustomer,
  createCustomer,
  customer,
  type CreateCustomer,
  type Customer,
} from '../../contracts/http/customers';
import { listOf, pageQuery } from '../../contracts/http/lists';
import { databaseNow, inTransaction, type Transaction } from '../../prisma/client';
import { sql } from '../../prisma/sql';
import type { Prisma } from '../../prisma/generated/client';
import { pageArguments, pageOf } from '../http/cursors';
import type { ApiDependencies } from '../http/dependencies';
import { erasePersonalData, recordCreated } from '../../access/idempotency';
import { ProblemError, notFound, validationFailed } from '../../contracts/problem-error';
import { route, type Answer, type Call } from '../http/route';

const tag = 'Customers';
const list = 'customers';
const customerParams = z.object({ customer_id: id });
type CustomerParams = z.output<typeof customerParams>;
type CustomerRow = Prisma.CustomerGetPayload<object>;

function toCustomer(row: CustomerRow): Customer {
  return {
    id: row.id,
    email: row.email,
    name: row.name,
    time_zone: row.time_zone,
    test_clock_id: row.test_clock_id,
    default_payment_method_id: row.default_payment_method_id,
    metadata: row.metadata as Customer['metadata'],
    created_at: row.created_at.toISOString(),
  };
}

/**
 * The customer's row, locked so that what is decided about it still holds when it is written. Subscriptions may refer
 * to it meanwhile.
 * @throws ProblemError `not_found`
 */
export async function lockCustomer(tx: Transaction, customerId: string): Promise<CustomerRow> {
  await sql(tx).execute`SELECT 1 FROM customers WHERE id = ${customerId} FOR NO KEY UPDATE`;
  const row = await tx.customer.findUnique({ where: { id: customerId } });
  if (row === null) throw notFound('customer');
  return row;
}

/** @throws ProblemError `customer_erased` */
export function refuseErased(row: { erased_at: Date | null }): void {
  if (row.erased_at === null) return;
  throw new ProblemError('customer_erased', 'An erased customer cannot change.');
}

/** @throws ProblemError `validation_failed` */
async function refuseUnknownClock(tx: Transaction, clockId: string): Promise<void> {
  if ((await tx.testClock.count({ where: { id: clockId, deleted_at: null } })) > 0) return;
  throw validationFailed([{ path: 'test_clock_id', message: 'must be the id of a test clock' }]);
}

async function create(
  call: Call<unknown, unknown, CreateCustomer>,
  { db }: ApiDependencies,
): Promise<Answer> {
  const { id: chosen, ...fields } = call.body;
  const customerId = chosen ?? call.idFor('customer');
  const row = await inTransaction(db, async (tx) => {
    if (fields.test_clock_id !== undefined) await refuseUnknownClock(tx, fields.test_clock_id);
    const data = [{ ...fields, id: customerId }];
    const { count } = await tx.customer.createMany({ data, skipDuplicates: true });
    if (count === 1) await recordCreated(tx, call.lease, customerId);
    else if (chosen !== undefined && call.lease?.createdId !== customerId) {
      throw new ProblemError('already_exists', 'There is a customer with this id.');
    }
    return tx.customer.findUniqueOrThrow({ where: { id: customerId } });
  });
  return {
    status: 201,
    body: toCustomer(row),
    headers: { Location: `/customers/${customerId}` },
    subjectId: customerId,
    personalDataOf: customerId,
  };
}

async function change(
  { params, body }: Call<CustomerParams, unknown, z.output<typeof changeCustomer>>,
  { db }: ApiDependencies,
): Promise<Answer> {
  const row = await inTransaction(db, async (tx) => {
    refuseErased(await lockCustomer(tx, params.customer_id));
    const methodId = body.default_payment_method_id;
    if (methodId !== undefined) {
      const where = { id: methodId, customer_id: params.customer_id, deleted_at: null };
      if ((await tx.paymentMethod.count({ where })) === 0) {
        const message = 'must be a payment method of this customer';
        throw validationFailed([{ path: 'default_payment_method_id', message }]);
      }
    }
    return tx.customer.update({ where: { id: params.customer_id }, data: body });
  });
  return { status: 200, body: toCustomer(row) };
}

const personalFields = new Set(['email', 'name', 'brand', 'last4', 'exp_month', 'exp_year']);

/** What is left of a customer, or of a payment method, in an answer that is kept for repeats. */
function withoutPersonalData(body: Record<string, unknown>): Record<string, unknown> {
  const fields = Object.entries(body).map(([name, value]) => [name, personalFields.has(name) ? null : value]);
  return { ...Object.fromEntries(fields), ...('metadata' in body ? { metadata: {} } : {}) };
}

async function erase(
  { params }: Call<CustomerParams, unknown, unknown>,
  { db }: ApiDependencies,
): Promise<Answer> {
  const customerId = params.customer_id;
  const row = await inTransaction(db, async (tx) => {
    const before = await lockCustomer(tx, customerId);
    if (before.erased_at !== null) return before;
    const at = await databaseNow(tx);
    const nothing = { brand: null, last4: null, exp_month: null, exp_year: null, fingerprint: null };
    await tx.paymentMethod.updateMany({
      where: { customer_id: customerId, deleted_at: null },
      data: { deleted_at: at },
    });
    await tx.paymentMethod.updateMany({
      where: { customer_id: customerId },
      data: { token: 'erased', ...nothing },
    });
    await erasePersonalData(tx, customerId, withoutPersonalData);
    return tx.customer.update({
      where: { id: customerId },
      data: { email: null, name: null, metadata: {}, default_payment_method_id: null, erased_at: at },
    });
  });
  return { status: 200, body: toCustomer(row) };
}

export const customerRoutes = [
  route({
    method: 'post',
    path: '/customers',
    operationId: 'createCustomer',
    tag,
    summary: 'Make a customer',
    scope: 'customers:write',
    body: createCustomer,
    answers: { 201: { description: 'The customer.', schema: customer } },
    problems: ['already_exists'],
    handle: create,
  }),
  route({
    method: 'get',
    path: '/customers',
    operationId: 'listCustomers',
    tag,
    summary: 'List customers, newest first',
    scope: 'customers:read',
    query: pageQuery,
    answers: { 200: { description: 'A page.', schema: listOf(customer) } },
    problems: ['malformed_cursor'],
    async handle({ query }, { db }) {
      const { after, ...page } = pageArguments(list, query);
      const rows = await db.customer.findMany({ where: after, ...page });
      return { status: 200, body: pageOf(list, query, rows, toCustomer) };
    },
  }),
  route({
    method: 'get',
    path: '/customers/{customer_id}',
    operationId: 'getCustomer',
    tag,
    summary: 'Read a customer',
    scope: 'customers:read',
    params: customerParams,
    answers: { 200: { description: 'The customer.', schema: customer } },
    problems: ['not_found'],
    async handle({ params }, { db }) {
      const row = await db.customer.findUnique({ where: { id: params.customer_id } });
      if (row === null) throw notFound('customer');
      return { status: 200, body: toCustomer(row) };
    },
  }),
  route({
    method: 'patch',
    path: '/customers/{customer_id}',
    operationId: 'changeCustomer',
    tag,
    summary: 'Change a customer',
    description: 'Fields left out stay. A new time zone holds for subscriptions made from then on.',
    scope: 'customers:write',
    params: customerParams,
    body: changeCustomer,
    answers: { 200: { description: 'The customer.', schema: customer } },
    problems: ['not_found', 'customer_erased'],
    handle: change,
  }),
  route({
    method: 'post',
    path: '/customers/{customer_id}/erase',
    operationId: 'eraseCustomer',
    tag,
    summary: 'Erase a customer’s personal data',
    description:
      'Removes e-mail, name, metadata and payment methods; payments and subscriptions stay. Subscriptions that ' +
      'still run are not collected any more: cancel them first. Cannot be undone.',
    scope: 'customers:write',
    params: customerParams,
    answers: { 200: { description: 'What is left of the customer.', schema: customer } },
    problems: ['not_found'],
    handle: erase,
  }),
];
