/** Routes of customers. */
import { z } from 'zod';
import { actorOf } from '../../access/authentication';
import * as customers from '../../billing/customer/customers';
import { eraseCustomer, readErasure } from '../../billing/customer/erase';
import { exportCustomer } from '../../billing/customer/export';
import { toErasure } from '../../billing/customer/erasure-view';
import { id } from '../../contracts/fields';
import {
  changeCustomer,
  createCustomer,
  customer,
  erasedCustomer,
  erasure,
  exportedRow,
  exportQuery,
} from '../../contracts/http/customers';
import { listOf, pageQuery } from '../../contracts/http/lists';
import { requireTestClocks } from '../../contracts/problem-error';
import {
  decodeExportPlace,
  encodeExportPlace,
  pageBody,
  pageBodyBy,
  readPage,
  readPageBy,
} from '../http/cursors';
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
      'Removes e-mail, name, metadata, payment methods and every text that was written about the customer, in kept ' +
      'answers, the audit log, webhooks and dead letters, too; amounts, dates and ids stay. Refused while something is ' +
      'open: subscriptions, charges, refunds, disputes. Credit that was granted is taken back; while payments fund ' +
      'credit, it is refused: pay that out first. A large customer is answered 202 and erased in the background. Asking ' +
      'again is the same. Cannot be undone.',
    scope: 'customers:write',
    params: customerParams,
    answers: {
      200: { description: 'What is left of the customer.', schema: erasedCustomer },
      202: { description: 'The same, while the erasure still runs.', schema: erasedCustomer },
    },
    problems: ['not_found', 'customer_has_credit', 'customer_not_settled'],
    async handle({ params, caller }, { db, deadlines }) {
      const { customer_id: customerId } = params;
      const withinMs = deadlines.answerWithinMs / 2;
      const erased = toErasure(await eraseCustomer(db, customerId, actorOf(caller, null), withinMs));
      const body = { ...(await customers.readCustomer(db, customerId)), erasure: erased };
      return { status: erased.status === 'done' ? 200 : 202, body };
    },
  }),
  route({
    method: 'get',
    path: '/customers/{customer_id}/erasure',
    operationId: 'getErasure',
    tag,
    summary: 'Read how far an erasure has come',
    scope: 'customers:read',
    params: customerParams,
    answers: { 200: { description: 'The erasure.', schema: erasure } },
    problems: ['not_found'],
    async handle({ params }, { db }) {
      return { status: 200, body: toErasure(await readErasure(db, params.customer_id)) };
    },
  }),
  route({
    method: 'get',
    path: '/customers/{customer_id}/export',
    operationId: 'exportCustomer',
    tag,
    summary: 'Export all that is kept about a customer',
    description:
      'Rows of every table that holds something of the customer’s, in one order: what an erasure would blank, with the ' +
      'amounts, dates and ids beside it. A page may hold fewer rows than asked for: follow next_cursor until it is null.',
    scope: 'operator',
    showsSecrets: true,
    params: customerParams,
    query: exportQuery,
    answers: { 200: { description: 'A page.', schema: listOf(exportedRow) } },
    problems: ['not_found', 'malformed_cursor'],
    async handle({ params, query }, { db }) {
      const name = `export of ${params.customer_id}`;
      const page = await exportCustomer(db, params.customer_id, readPageBy(name, query, decodeExportPlace));
      return { status: 200, body: pageBodyBy(name, page, encodeExportPlace) };
    },
  }),
];
