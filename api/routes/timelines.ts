/** Routes of the timelines of subscriptions, payments and customers, and of the audit log. */
import { z } from 'zod';
import { listAudit } from '../../access/audit-log';
import type { TimelineSubject } from '../../billing/timeline/index-query';
import { pageOfTimeline } from '../../billing/timeline/pages';
import { id } from '../../contracts/fields';
import { listOf, pageQuery } from '../../contracts/http/lists';
import { auditedCall, listAudit as auditQuery, timelinePage } from '../../contracts/http/timeline';
import {
  decodeSerial,
  decodeTimelinePlace,
  encodeSerial,
  encodeTimelinePlace,
  pageBodyBy,
  readPageBy,
} from '../http/cursors';
import type { ApiDependencies } from '../http/dependencies';
import { route, type Answer, type Call } from '../http/route';

const auditList = 'audit';

async function timeline(
  { query, caller }: Call<unknown, z.output<typeof pageQuery>, unknown>,
  { db }: ApiDependencies,
  subject: TimelineSubject,
): Promise<Answer> {
  const list = `${subject.type}-timeline`;
  const page = await pageOfTimeline(db, subject, caller.scopes, readPageBy(list, query, decodeTimelinePlace));
  const body = { ...pageBodyBy(list, page, encodeTimelinePlace), omitted: page.omitted };
  return { status: 200, body };
}

const entries = { 200: { description: 'A page.', schema: timelinePage } };
const ofOtherScopes =
  'An entry is shown to an API key that may read what it was made of; `omitted` names the scopes that others need.';

export const timelineRoutes = [
  route({
    method: 'get',
    path: '/subscriptions/{subscription_id}/timeline',
    operationId: 'getSubscriptionTimeline',
    tag: 'Subscriptions',
    summary: 'What happened to a subscription and its payments, oldest first',
    description:
      'API calls, changes, attempts, refunds, what moved money, retry plans, webhooks, events with partition and offset, and what ' +
      `operators did, in one order. An entry keeps its place; its title and data show the state of today. ${ofOtherScopes}`,
    scope: 'subscriptions:read',
    params: z.object({ subscription_id: id }),
    query: pageQuery,
    answers: entries,
    problems: ['not_found', 'malformed_cursor'],
    handle: (call, deps) => timeline(call, deps, { type: 'subscription', id: call.params.subscription_id }),
  }),
  route({
    method: 'get',
    path: '/payments/{payment_id}/timeline',
    operationId: 'getPaymentTimeline',
    tag: 'Payments',
    summary: 'What happened to a payment, oldest first',
    description: ofOtherScopes,
    scope: 'payments:read',
    params: z.object({ payment_id: id }),
    query: pageQuery,
    answers: entries,
    problems: ['not_found', 'malformed_cursor'],
    handle: (call, deps) => timeline(call, deps, { type: 'payment', id: call.params.payment_id }),
  }),
  route({
    method: 'get',
    path: '/customers/{customer_id}/timeline',
    operationId: 'getCustomerTimeline',
    tag: 'Customers',
    summary: 'What happened to a customer, their subscriptions and payments, oldest first',
    description: ofOtherScopes,
    scope: 'customers:read',
    params: z.object({ customer_id: id }),
    query: pageQuery,
    answers: entries,
    problems: ['not_found', 'malformed_cursor'],
    handle: (call, deps) => timeline(call, deps, { type: 'customer', id: call.params.customer_id }),
  }),
  route({
    method: 'get',
    path: '/audit',
    operationId: 'listAudit',
    tag: 'Audit',
    summary: 'Calls that asked for a change, newest first',
    description: 'Who asked, for what, with which reason, and what was answered; refused calls, too.',
    scope: 'operator',
    query: auditQuery,
    answers: { 200: { description: 'A page.', schema: listOf(auditedCall) } },
    problems: ['malformed_cursor'],
    async handle({ query }, { db }) {
      const page = await listAudit(db, query, readPageBy(auditList, query, decodeSerial));
      return { status: 200, body: pageBodyBy(auditList, page, encodeSerial) };
    },
  }),
];
