/**
 * Routes of subscriptions: making and reading them.
 *
 * Invariant: the API writes no subscription; what it answers was read after the process had concluded.
 */
import { z } from 'zod';
import { id } from '../../contracts/fields';
import { listOf, pageQuery } from '../../contracts/http/lists';
import {
  createSubscription,
  createdSubscription,
  listSubscriptions,
  subscription,
  subscriptionPeriod,
  type SubscriptionPeriod,
} from '../../contracts/http/subscriptions';
import type { Prisma } from '../../prisma/generated/client';
import { toSubscription } from '../../billing/rows';
import { decodePosition, encodePosition, pageArguments, pageOf } from '../http/cursors';
import type { ApiDependencies } from '../http/dependencies';
import { notFound } from '../../contracts/problem-error';
import { route, type Answer, type Call } from '../http/route';
import * as creation from './create-subscription';

const tag = 'Subscriptions';
const list = 'subscriptions';
const periodList = 'periods';
const subscriptionParams = z.object({ subscription_id: id });
type SubscriptionParams = z.output<typeof subscriptionParams>;

function toPeriod(row: Prisma.SubscriptionPeriodGetPayload<object>): SubscriptionPeriod {
  return {
    index: row.index,
    start: row.start.toISOString(),
    end: row.end.toISOString(),
    currency: row.currency,
    amount: Number(row.amount),
    paid_at: row.paid_at?.toISOString() ?? null,
    payment_id: row.payment_id,
  };
}

async function periods(
  { params, query }: Call<SubscriptionParams, z.output<typeof pageQuery>, unknown>,
  { db }: ApiDependencies,
): Promise<Answer> {
  const where = { subscription_id: params.subscription_id };
  const after = query.cursor === undefined ? -1 : decodePosition(periodList, query.cursor);
  if ((await db.subscription.count({ where: { id: params.subscription_id } })) === 0) {
    throw notFound('subscription');
  }
  const rows = await db.subscriptionPeriod.findMany({
    where: { ...where, index: { gt: after } },
    orderBy: { index: 'asc' },
    take: query.limit + 1,
  });
  const given = rows.slice(0, query.limit);
  const last = rows.length > query.limit ? given.at(-1) : undefined;
  const next_cursor = last === undefined ? null : encodePosition(periodList, last.index);
  return { status: 200, body: { data: given.map(toPeriod), next_cursor } };
}

export const subscriptionRoutes = [
  route({
    method: 'post',
    path: '/subscriptions',
    operationId: 'createSubscription',
    tag,
    summary: 'Make a subscription',
    description:
      'Answered when the first payment is decided, or after 10 s with 202 while it is still open. After 503 the ' +
      'outcome is open: repeat with the same Idempotency-Key, or read the subscription that the answer names.',
    scope: 'subscriptions:write',
    body: createSubscription,
    answers: {
      201: { description: 'It is active, trialing or scheduled.', schema: createdSubscription },
      202: { description: 'The first payment is still open.', schema: createdSubscription },
    },
    problems: ['payment_declined'],
    handle: creation.createSubscription,
  }),
  route({
    method: 'get',
    path: '/subscriptions',
    operationId: 'listSubscriptions',
    tag,
    summary: 'List subscriptions, newest first',
    scope: 'subscriptions:read',
    query: listSubscriptions,
    answers: { 200: { description: 'A page.', schema: listOf(subscription) } },
    problems: ['malformed_cursor'],
    async handle({ query }, { db }) {
      const { after, ...page } = pageArguments(list, query);
      const { status, customer_id, plan_id } = query;
      const rows = await db.subscription.findMany({
        where: { status, customer_id, plan_id, ...after },
        ...page,
      });
      return { status: 200, body: pageOf(list, query, rows, toSubscription) };
    },
  }),
  route({
    method: 'get',
    path: '/subscriptions/{subscription_id}',
    operationId: 'getSubscription',
    tag,
    summary: 'Read a subscription',
    scope: 'subscriptions:read',
    params: subscriptionParams,
    answers: { 200: { description: 'The subscription.', schema: subscription } },
    problems: ['not_found'],
    async handle({ params }, { db }) {
      const row = await db.subscription.findUnique({ where: { id: params.subscription_id } });
      if (row === null) throw notFound('subscription');
      return { status: 200, body: toSubscription(row) };
    },
  }),
  route({
    method: 'get',
    path: '/subscriptions/{subscription_id}/periods',
    operationId: 'listPeriods',
    tag,
    summary: 'List a subscription’s periods, oldest first',
    scope: 'subscriptions:read',
    params: subscriptionParams,
    query: pageQuery,
    answers: { 200: { description: 'A page.', schema: listOf(subscriptionPeriod) } },
    problems: ['not_found', 'malformed_cursor'],
    handle: periods,
  }),
];
