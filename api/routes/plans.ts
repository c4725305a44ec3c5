/** Routes of plans. A plan's price never changes; name and `active` do. */
import { z } from 'zod';
import { id } from '../../contracts/fields';
import { listOf, pageQuery } from '../../contracts/http/lists';
import { changePlan, createPlan, plan, type CreatePlan, type Plan } from '../../contracts/http/plans';
import { inTransaction } from '../../prisma/client';
import type { Prisma } from '../../prisma/generated/client';
import { pageArguments, pageOf } from '../http/cursors';
import type { ApiDependencies } from '../http/dependencies';
import { recordCreated } from '../../access/idempotency';
import { ProblemError, notFound } from '../../contracts/problem-error';
import { route, type Answer, type Call } from '../http/route';

const tag = 'Plans';
const list = 'plans';
const planParams = z.object({ plan_id: id });

function toPlan(row: Prisma.PlanGetPayload<object>): Plan {
  return {
    id: row.id,
    name: row.name,
    currency: row.currency,
    amount: Number(row.amount),
    interval: { unit: row.interval_unit, count: row.interval_count },
    trial_days: row.trial_days,
    active: row.active,
    metadata: row.metadata as Plan['metadata'],
    created_at: row.created_at.toISOString(),
  };
}

async function create(call: Call<unknown, unknown, CreatePlan>, { db }: ApiDependencies): Promise<Answer> {
  const { id: chosen, interval, amount, ...fields } = call.body;
  const planId = chosen ?? call.idFor('plan');
  const row = await inTransaction(db, async (tx) => {
    const { count } = await tx.plan.createMany({
      data: [
        {
          ...fields,
          id: planId,
          amount: BigInt(amount),
          interval_unit: interval.unit,
          interval_count: interval.count,
        },
      ],
      skipDuplicates: true,
    });
    if (count === 1) await recordCreated(tx, call.lease, planId);
    else if (chosen !== undefined && call.lease?.createdId !== planId) {
      throw new ProblemError('already_exists', 'There is a plan with this id.');
    }
    return tx.plan.findUniqueOrThrow({ where: { id: planId } });
  });
  const headers = { Location: `/plans/${planId}` };
  return { status: 201, body: toPlan(row), headers, subjectId: planId };
}

export const planRoutes = [
  route({
    method: 'post',
    path: '/plans',
    operationId: 'createPlan',
    tag,
    summary: 'Make a plan',
    description: 'For another price make another plan.',
    scope: 'catalog:write',
    body: createPlan,
    answers: { 201: { description: 'The plan.', schema: plan } },
    problems: ['already_exists'],
    handle: create,
  }),
  route({
    method: 'get',
    path: '/plans',
    operationId: 'listPlans',
    tag,
    summary: 'List plans, newest first',
    scope: 'catalog:read',
    query: pageQuery,
    answers: { 200: { description: 'A page.', schema: listOf(plan) } },
    problems: ['malformed_cursor'],
    async handle({ query }, { db }) {
      const { after, ...page } = pageArguments(list, query);
      const rows = await db.plan.findMany({ where: after, ...page });
      return { status: 200, body: pageOf(list, query, rows, toPlan) };
    },
  }),
  route({
    method: 'get',
    path: '/plans/{plan_id}',
    operationId: 'getPlan',
    tag,
    summary: 'Read a plan',
    scope: 'catalog:read',
    params: planParams,
    answers: { 200: { description: 'The plan.', schema: plan } },
    problems: ['not_found'],
    async handle({ params }, { db }) {
      const row = await db.plan.findUnique({ where: { id: params.plan_id } });
      if (row === null) throw notFound('plan');
      return { status: 200, body: toPlan(row) };
    },
  }),
  route({
    method: 'patch',
    path: '/plans/{plan_id}',
    operationId: 'changePlan',
    tag,
    summary: 'Rename a plan, or stop selling it',
    description: 'Subscriptions that exist go on; an inactive plan takes no new ones.',
    scope: 'catalog:write',
    params: planParams,
    body: changePlan,
    answers: { 200: { description: 'The plan.', schema: plan } },
    problems: ['not_found'],
    async handle({ params, body }, { db }) {
      const { count } = await db.plan.updateMany({ where: { id: params.plan_id }, data: body });
      if (count === 0) throw notFound('plan');
      const row = await db.plan.findUniqueOrThrow({ where: { id: params.plan_id } });
      return { status: 200, body: toPlan(row) };
    },
  }),
];
