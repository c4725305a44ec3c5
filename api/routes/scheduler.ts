/**
 * Routes of the jobs that exist once for all: the renewal scheduler and the reconciliation.
 *
 * Invariant: a pause is a row, so that it outlasts every process; a dry run only reads.
 */
import {
  reasoned,
  requestedRound,
  renewalScheduler,
  stuckWork,
  type Reasoned,
  type RenewalScheduler,
  type StuckWork,
} from '../../contracts/http/scheduler';
import { actor as actorShape } from '../../contracts/fields';
import { predicateNames } from '../../domain/stuck-work';
import type { Database } from '../../prisma/client';
import { sql } from '../../prisma/sql';
import { findStuckWork } from '../../billing/reconcile/stuck-work';
import type { ApiDependencies } from '../http/dependencies';
import { route, type Answer, type Call } from '../http/route';

const tag = 'Operations';
const toleranceMs = 60_000;
const countedAtMost = 500;
const shownAtMost = 20;

async function schedulerOf(db: Database): Promise<RenewalScheduler> {
  const pause = await db.renewalPause.findFirst();
  const [row] = await sql(db).query<[{ due: bigint; oldest: Date | null; next: Date | null }]>`
    SELECT count(*) FILTER (WHERE next_due_at <= clock_timestamp()) AS due,
      min(next_due_at) FILTER (WHERE next_due_at <= clock_timestamp()) AS oldest,
      min(next_due_at) FILTER (WHERE next_due_at > clock_timestamp()) AS next
    FROM subscriptions
    WHERE next_due_at IS NOT NULL AND announced_version IS DISTINCT FROM version AND test_clock_id IS NULL`;
  return {
    paused: pause && { at: pause.at.toISOString(), actor: actorShape.parse(pause.actor) },
    due: Number(row.due),
    oldest_due_at: row.oldest?.toISOString() ?? null,
    next_due_at: row.next?.toISOString() ?? null,
  };
}

type Decision = Call<unknown, unknown, Reasoned>;
const answered = async (db: Database): Promise<Answer> => ({ status: 200, body: await schedulerOf(db) });

async function pause({ caller, body }: Decision, { db }: ApiDependencies): Promise<Answer> {
  const actor = { kind: 'api_key', id: caller.id, reason: body.reason };
  // Paused already: the first decision stands.
  await db.renewalPause.createMany({ data: [{ actor }], skipDuplicates: true });
  return answered(db);
}

async function resume(_: Decision, { db }: ApiDependencies): Promise<Answer> {
  await db.renewalPause.deleteMany();
  return answered(db);
}

async function dryRun(_: unknown, { db }: ApiDependencies): Promise<Answer> {
  const items = await findStuckWork(db, { toleranceMs, testClockId: null, limit: countedAtMost });
  const data = predicateNames.flatMap((predicate): StuckWork['data'] => {
    const found = items.filter((item) => item.predicate === predicate);
    if (found.length === 0) return [];
    return [
      { predicate, count: found.length, subjects: found.slice(0, shownAtMost).map(({ subject }) => subject) },
    ];
  });
  return { status: 200, body: { data } };
}

export const schedulerRoutes = [
  route({
    method: 'get',
    path: '/renewal-scheduler',
    operationId: 'getRenewalScheduler',
    tag,
    summary: 'What is due, and whether the scheduler is paused',
    scope: 'operator',
    answers: { 200: { description: 'The scheduler.', schema: renewalScheduler } },
    handle: (_, { db }) => answered(db),
  }),
  route({
    method: 'post',
    path: '/renewal-scheduler/pause',
    operationId: 'pauseRenewalScheduler',
    tag,
    summary: 'Announce no renewal until it is resumed',
    description: 'Takes effect within RENEWAL_TICK_SECONDS. What was announced already goes on.',
    scope: 'operator',
    body: reasoned,
    answers: { 200: { description: 'The paused scheduler.', schema: renewalScheduler } },
    handle: pause,
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
    handle: resume,
  }),
  route({
    method: 'get',
    path: '/reconciliation',
    operationId: 'findStuckWork',
    tag,
    summary: 'What did not go on by itself for a minute: a dry run',
    scope: 'operator',
    answers: {
      200: { description: 'By predicate; those without a finding are left out.', schema: stuckWork },
    },
    handle: dryRun,
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
