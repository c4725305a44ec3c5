/** Routes of plans. */
import { z } from 'zod';
import * as plans from '../../billing/catalog/plans';
import { id } from '../../contracts/fields';
import { listOf, pageQuery } from '../../contracts/http/lists';
import { changePlan, createPlan, plan } from '../../contracts/http/plans';
import { pageBody, readPage } from '../http/cursors';
import { route } from '../http/route';

const tag = 'Plans';
const list = 'plans';
const planParams = z.object({ plan_id: id });

export const planRoutes = [
  route({
    method: 'post',
    path: '/plans',
    operationId: 'createPlan',
    tag,
    summary: 'Create a plan',
    description: 'For another price create another plan.',
    scope: 'catalog:write',
    body: createPlan,
    answers: { 201: { description: 'The plan.', schema: plan } },
    problems: ['already_exists'],
    async handle({ body, idFor, lease }, { db }) {
      const created = await plans.createPlan(db, body, idFor('plan'), lease);
      const headers = { Location: `/plans/${created.id}` };
      return { status: 201, body: created, headers, subjectId: created.id };
    },
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
      return { status: 200, body: pageBody(list, await plans.listPlans(db, readPage(list, query))) };
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
      return { status: 200, body: await plans.readPlan(db, params.plan_id) };
    },
  }),
  route({
    method: 'patch',
    path: '/plans/{plan_id}',
    operationId: 'changePlan',
    tag,
    summary: 'Rename a plan, or stop selling it',
    description: 'Subscriptions that exist continue; an inactive plan takes no new ones.',
    scope: 'catalog:write',
    params: planParams,
    body: changePlan,
    answers: { 200: { description: 'The plan.', schema: plan } },
    problems: ['not_found'],
    async handle({ params, body }, { db }) {
      return { status: 200, body: await plans.changePlan(db, params.plan_id, body) };
    },
  }),
];
