/**
 * Routes of what happened: the timelines of subscriptions and payments, and the audit log.
 *
 * Owns: their pages. Does not own what is in them: each row was written where it happened. Invariant: reading changes
 * nothing.
 */
import { z } from 'zod';
import { id } from '../../contracts/fields';
import { listOf, pageQuery } from '../../contracts/http/lists';
import { auditedCall, listAudit, timelineEntry, type AuditedCall } from '../../contracts/http/timeline';
import type { TimelinePlace } from '../../domain/timeline/timeline';
import type { Prisma } from '../../prisma/generated/client';
import { readAudit } from '../../access/audit-log';
import { readTimeline } from '../../billing/timeline/timeline';
import type { TimelineSubject } from '../../billing/timeline/index-query';
import { decodeSerial, decodeTimelinePlace, encodeSerial, encodeTimelinePlace } from '../http/cursors';
import type { ApiDependencies } from '../http/dependencies';
import { notFound } from '../../contracts/problem-error';
import { route, type Answer, type Call } from '../http/route';

const auditList = 'audit';

type PageQuery = z.output<typeof pageQuery>;

async function timeline(
  { db }: ApiDependencies,
  subject: TimelineSubject,
  query: PageQuery,
): Promise<Answer> {
  const list = `${subject.type}-timeline`;
  const after: TimelinePlace | null =
    query.cursor === undefined ? null : decodeTimelinePlace(list, query.cursor);
  const where = { id: subject.id };
  const count = subject.type === 'payment' ? db.payment.count({ where }) : db.subscription.count({ where });
  if ((await count) === 0) throw notFound(subject.type);
  const { places, entryAt } = await readTimeline(db, subject, after, query.limit + 1);
  const given = places.slice(0, query.limit);
  const last = places.length > query.limit ? given.at(-1) : undefined;
  const data = given.flatMap((place) => entryAt(place) ?? []);
  const next_cursor = last === undefined ? null : encodeTimelinePlace(list, last);
  return { status: 200, body: { data, next_cursor } };
}

function toAuditedCall(row: Prisma.AuditLogGetPayload<object>): AuditedCall {
  const { action, subject_id, request_id, status } = row;
  const { code = null, replayed = false } = row.detail as { code?: string; replayed?: boolean };
  const actor = row.actor as unknown as AuditedCall['actor'];
  return { at: row.at.toISOString(), actor, action, subject_id, request_id, status, code, replayed };
}

async function audited(
  { query }: Call<unknown, z.output<typeof listAudit>, unknown>,
  { db }: ApiDependencies,
): Promise<Answer> {
  const below = query.cursor === undefined ? null : decodeSerial(auditList, query.cursor);
  const rows = await readAudit(db, query, below, query.limit + 1);
  const given = rows.slice(0, query.limit);
  const last = rows.length > query.limit ? given.at(-1) : undefined;
  const next_cursor = last === undefined ? null : encodeSerial(auditList, last.id);
  return { status: 200, body: { data: given.map(toAuditedCall), next_cursor } };
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
      'API calls, changes, attempts, refunds, retry plans, webhooks, events with partition and offset, and what ' +
      'operators did, in one order. An entry keeps its place; its title and data tell what has become of it.',
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
    path: '/audit',
    operationId: 'listAudit',
    tag: 'Audit',
    summary: 'Calls that asked for a change, newest first',
    description: 'Who asked, for what, with which reason, and what was answered; refused calls, too.',
    scope: 'operator',
    query: listAudit,
    answers: { 200: { description: 'A page.', schema: listOf(auditedCall) } },
    problems: ['malformed_cursor'],
    handle: audited,
  }),
];
