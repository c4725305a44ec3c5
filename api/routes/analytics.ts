/** Routes of the analytics projection. */
import { activeByDay, recoveryByDay, revenueByDay, type DayRange } from '../../billing/report/revenue';
import {
  activeQuery,
  activeSeries,
  recoveryQuery,
  recoverySeries,
  revenueQuery,
  revenueSeries,
} from '../../contracts/http/analytics';
import { validationFailed } from '../../contracts/problem-error';
import { route } from '../http/route';

const tag = 'Analytics';
const dayMs = 86_400_000;
const defaultDays = 30;
const maxDays = 800;

/** Reads the range; the last 30 days by default. @throws ProblemError `validation_failed` */
function rangeOf(query: { from?: string; to?: string }, now: Date): DayRange {
  const to = query.to ?? now.toISOString().slice(0, 10);
  const from = query.from ?? new Date(Date.parse(to) - (defaultDays - 1) * dayMs).toISOString().slice(0, 10);
  const count = (Date.parse(to) - Date.parse(from)) / dayMs + 1;
  if (count < 1) throw validationFailed([{ path: 'from', message: 'must not lie after to' }]);
  if (count > maxDays)
    throw validationFailed([{ path: 'from', message: `must be at most ${maxDays} days before to` }]);
  const days = Array.from({ length: count }, (_, day) =>
    new Date(Date.parse(from) + day * dayMs).toISOString().slice(0, 10),
  );
  return { from, to, days };
}

export const analyticsRoutes = [
  route({
    method: 'get',
    path: '/analytics/mrr',
    operationId: 'getRevenue',
    tag,
    summary: 'Monthly recurring revenue and its movements, by day',
    description: 'The last 30 days by default; at most 800 days. Days are UTC.',
    scope: 'subscriptions:read',
    query: revenueQuery,
    answers: { 200: { description: 'One entry for each day.', schema: revenueSeries } },
    async handle({ query }, { db, now }) {
      return { status: 200, body: await revenueByDay(db, query.currency, rangeOf(query, now())) };
    },
  }),
  route({
    method: 'get',
    path: '/analytics/recovery',
    operationId: 'getRecovery',
    tag,
    summary: 'Subscriptions past due, recovered and lost, by day',
    description: 'The last 30 days by default; at most 800 days. Days are UTC.',
    scope: 'subscriptions:read',
    query: recoveryQuery,
    answers: { 200: { description: 'One entry for each day.', schema: recoverySeries } },
    async handle({ query }, { db, now }) {
      return { status: 200, body: await recoveryByDay(db, query.currency, rangeOf(query, now())) };
    },
  }),
  route({
    method: 'get',
    path: '/analytics/subscriptions',
    operationId: 'getActiveSubscriptions',
    tag,
    summary: 'Active subscriptions by plan, by day',
    description: 'Active or past due at the end of each day (UTC).',
    scope: 'subscriptions:read',
    query: activeQuery,
    answers: { 200: { description: 'One entry for each day and plan that has any.', schema: activeSeries } },
    async handle({ query }, { db, now }) {
      return { status: 200, body: await activeByDay(db, query.plan_id ?? null, rangeOf(query, now())) };
    },
  }),
];
