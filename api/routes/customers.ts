/** Routes of customers. */
import { z } from 'zod';
import { actorOf } from '../../access/authentication';
import * as customers from '../../billing/customer/customers';
import { eraseCustomer } from '../../billing/customer/erase';
import { id } from '../../contracts/fields';
import { changeCustomer, createCustomer, customer } from '../../contracts/http/customers';
import { listOf, pageQuery } from '../../contracts/http/lists';
import { requireTestClocks } from '../../contracts/problem-error';
import { pageBody, readPage } from '../http/cursors';
import { route } from '../http/route';

const tag = 'Customers';
const list = 'customers';
const customerParams = z.object({ customer_id: id });

export const customerRoutes = [
  route({
    method: 'post',
    path: '/customers',
    operationId: 'createCustomer',
    tag,
    summary: 'Create a customer',
    scope: 'customers:write',
    body: createCustomer,
    answers: { 201: { description: 'The customer.', schema: customer } },
    problems: ['already_exists', 'test_clocks_disabled'],
    async handle({ body, idFor, lease }, { db, allowTestClocks }) {
      requireTestClocks(allowTestClocks || body.test_clock_id === undefined);
      const created = await customers.createCustomer(db, body, idFor('customer'), lease);
      const headers = { Location: `/customers/${created.id}` };
      return { status: 201, body: created, headers, subjectId: created.id, personalDataOf: created.id };
    },
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
      return { status: 200, body: pageBody(list, await customers.listCustomers(db, readPage(list, query))) };
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
      return { status: 200, body: await customers.readCustomer(db, params.customer_id) };
    },
  }),
  route({
    method: 'patch',
    path: '/customers/{customer_id}',
    operationId: 'changeCustomer',
    tag,
    summary: 'Change a customer',
    description: 'Fields left out stay. A new time zone holds for subscriptions created from then on.',
    scope: 'customers:write',
    params: customerParams,
    body: changeCustomer,
    answers: { 200: { description: 'The customer.', schema: customer } },
    problems: ['not_found', 'customer_erased'],
    async handle({ params, body }, { db, send }) {
      const changed = await customers.changeCustomer(db, params.customer_id, body);
      await send(changed.messages);
      return { status: 200, body: changed.customer };
    },
  }),
  route({
    method: 'post',
    path: '/customers/{customer_id}/erase',
    operationId: 'eraseCustomer',
    tag,
    summary: 'Erase a customer’s personal data',
    description:
      'Removes e-mail, name, metadata and payment methods; payments and subscriptions stay. Subscriptions that ' +
      'still run are not charged any more: cancel them first. Credit that was granted is taken back; while payments fund ' +
      'credit, it is refused: pay that out first. Cannot be undone.',
    scope: 'customers:write',
    params: customerParams,
    answers: { 200: { description: 'What is left of the customer.', schema: customer } },
    problems: ['not_found', 'customer_has_credit'],
    async handle({ params, caller }, { db }) {
      return { status: 200, body: await eraseCustomer(db, params.customer_id, actorOf(caller, null)) };
    },
  }),
];
