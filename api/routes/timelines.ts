/** Routes of the timelines of subscriptions, payments and customers, and of the audit log. */
import { z } from 'zod';
import { listAudit } from '../../access/audit-log';
import type { TimelineSubject } from '../../billing/timeline/index-query';
import { pageOfTimeline } from '../../billing/timeline/pages';
import { id } from '../../contracts/fields';
import { listOf, pageQuery } from '../../contracts/http/lists';
import { auditedCall, listAudit as auditQuery, timelineEntry } from '../../contracts/http/timeline';
import {
  decodeSerial,
  decodeTimelinePlace,
  encodeSerial,
  encodeTimelinePlace,
  pageBodyBy,
  readPageBy,
} from '../http/cursors';
import type { ApiDependencies } from '../http/dependencies';
import { route, type Answer } from '../http/route';

const auditList = 'audit';

async function timeline(
  { db }: ApiDependencies,
  subject: TimelineSubject,
  query: z.output<typeof pageQuery>,
): Promise<Answer> {
  const list = `${subject.type}-timeline`;
  const page = await pageOfTimeline(db, subject, readPageBy(list, query, decodeTimelinePlace));
  return { status: 200, body: pageBodyBy(list, page, encodeTimelinePlace) };
}

const entries = { 200: { description: 'A page.', schema: listOf(timelineEntry) } };

export const timelineRoutes = [
  route({
    method: 'get',
    path: '/subscriptions/{subscription_id}/timeline',
    operationId: 'getSubscriptionTimeline',
    tag: 'Subscriptions',
    summary: 'What happened to a subscription and its payments, oldest first',
    description:
      'API calls, changes, attempts, refunds, what moved money, retry plans, webhooks, events with partition and offset, and what ' +
      'operators did, in one order. An entry keeps its place; its title and data show the state of today.',
    scope: 'subscriptions:read',
    params: z.object({ subscription_id: id }),
    query: pageQuery,
    answers: entries,
    problems: ['not_found', 'malformed_cursor'],
    handle: ({ params, query }, deps) =>
      timeline(deps, { type: 'subscription', id: params.subscription_id }, query),
  }),
  route({
    method: 'get',
    path: '/payments/{payment_id}/timeline',
    operationId: 'getPaymentTimeline',
    tag: 'Payments',
    summary: 'What happened to a payment, oldest first',
    scope: 'payments:read',
    params: z.object({ payment_id: id }),
    query: pageQuery,
    answers: entries,
    problems: ['not_found', 'malformed_cursor'],
    handle: ({ params, query }, deps) => timeline(deps, { type: 'payment', id: params.payment_id }, query),
  }),
  route({
    method: 'get',
    path: '/customers/{customer_id}/timeline',
    operationId: 'getCustomerTimeline',
    tag: 'Customers',
    summary: 'What happened to a customer, their subscriptions and payments, oldest first',
    scope: 'customers:read',
    params: z.object({ customer_id: id }),
    query: pageQuery,
    answers: entries,
    problems: ['not_found', 'malformed_cursor'],
    handle: ({ params, query }, deps) => timeline(deps, { type: 'customer', id: params.customer_id }, query),
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
