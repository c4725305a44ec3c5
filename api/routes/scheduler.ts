/** Routes of the renewal scheduler and the reconciliation. */
import { actorOf } from '../../access/authentication';
import { dryRun } from '../../billing/reconcile/dry-run';
import * as scheduler from '../../billing/renewal/scheduler';
import { reasoned, renewalScheduler, requestedRound, stuckWork } from '../../contracts/http/scheduler';
import { route } from '../http/route';

const tag = 'Operations';

export const schedulerRoutes = [
  route({
    method: 'get',
    path: '/renewal-scheduler',
    operationId: 'getRenewalScheduler',
    tag,
    summary: 'What is due, and whether the scheduler is paused',
    scope: 'operator',
    answers: { 200: { description: 'The scheduler.', schema: renewalScheduler } },
    async handle(_, { db }) {
      return { status: 200, body: await scheduler.readScheduler(db) };
    },
  }),
  route({
    method: 'post',
    path: '/renewal-scheduler/pause',
    operationId: 'pauseRenewalScheduler',
    tag,
    summary: 'Announce no renewal until it is resumed',
    description:
      'Takes effect within RENEWAL_TICK_SECONDS. What was announced already waits in its renewal run. Customers with a test clock are renewed all the same.',
    scope: 'operator',
    body: reasoned,
    answers: { 200: { description: 'The paused scheduler.', schema: renewalScheduler } },
    async handle({ caller, body }, { db }) {
      return { status: 200, body: await scheduler.pauseScheduler(db, actorOf(caller, body.reason)) };
    },
  }),
  route({
    method: 'post',
    path: '/renewal-scheduler/resume',
    operationId: 'resumeRenewalScheduler',
    tag,
    summary: 'Announce what is due again',
    scope: 'operator',
    body: reasoned,
    answers: { 200: { description: 'The scheduler.', schema: renewalScheduler } },
    async handle(_, { db }) {
      return { status: 200, body: await scheduler.resumeScheduler(db) };
    },
  }),
  route({
    method: 'get',
    path: '/reconciliation',
    operationId: 'findStuckWork',
    tag,
    summary: 'Find stuck work: a dry run of the reconciliation',
    scope: 'operator',
    answers: {
      200: { description: 'By predicate; those without stuck work are left out.', schema: stuckWork },
    },
    async handle(_, { db, stuckAfter }) {
      return { status: 200, body: await dryRun(db, stuckAfter) };
    },
  }),
  route({
    method: 'post',
    path: '/reconciliation',
    operationId: 'reconcileNow',
    tag,
    summary: 'Reconcile now instead of at the next turn',
    scope: 'operator',
    body: reasoned,
    answers: {
      202: { description: 'A round was asked for; one that runs already counts.', schema: requestedRound },
    },
    async handle(_, { reconcileNow }) {
      await reconcileNow();
      return { status: 202, body: { status: 'requested' } };
    },
  }),
];
