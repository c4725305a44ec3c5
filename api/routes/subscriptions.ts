/**
 * Routes of subscriptions: creating and reading them.
 *
 * Invariants: the API writes no subscription; what it answers was read after the process had concluded the creation.
 * Whatever goes wrong after the id is known, the refusal names it.
 */
import { z } from 'zod';
import { actorOf } from '../../access/authentication';
import { detachTexts } from '../../billing/command-texts';
import { limitsOfProviders } from '../../billing/ledger/limits';
import { prepareCreation, readConcluded } from '../../billing/subscription/request-creation';
import * as subscriptions from '../../billing/subscription/subscriptions';
import { id } from '../../contracts/fields';
import { listOf, pageQuery } from '../../contracts/http/lists';
import {
  createSubscription,
  createdSubscription,
  listSubscriptions,
  subscription,
  subscriptionPeriod,
  type CreatedSubscription,
  type CreateSubscription,
} from '../../contracts/http/subscriptions';
import { ProblemError } from '../../contracts/problem-error';
import { decodePosition, encodePosition, pageBody, pageBodyBy, readPage, readPageBy } from '../http/cursors';
import type { ApiDependencies } from '../http/dependencies';
import { toProblem } from '../http/problems';
import { route, updateIdOf, type Answer, type Call } from '../http/route';

const tag = 'Subscriptions';
const list = 'subscriptions';
const periodList = 'periods';
const subscriptionParams = z.object({ subscription_id: id });
type CreationCall = Call<unknown, unknown, CreateSubscription>;

async function create(call: CreationCall, deps: ApiDependencies): Promise<Answer> {
  const subscriptionId = call.idFor('subscription');
  try {
    const created = await createOnce(call, deps, subscriptionId);
    return {
      status: created.status === 'incomplete' ? 202 : 201,
      body: created,
      headers: { Location: `/subscriptions/${subscriptionId}` },
      subjectId: subscriptionId,
    };
  } catch (error) {
    throw namingSubscription(error, subscriptionId);
  }
}

async function createOnce(
  call: CreationCall,
  deps: ApiDependencies,
  subscriptionId: string,
): Promise<CreatedSubscription> {
  const prepared = await prepareCreation(deps.db, limitsOfProviders(deps.providers), {
    id: subscriptionId,
    request: call.body,
    actor: actorOf(call.caller, null),
    requestedAt: deps.now(),
    trace: call.trace,
    mayExist: call.lease !== null,
    deadlines: deps.deadlines,
  });
  if ('concluded' in prepared) return prepared.concluded;
  const owner = { id: deps.newUuid(), subject: { type: 'customer', id: call.body.customer_id } } as const;
  const creation = await detachTexts(deps.db, owner, prepared.creation);
  const result = await deps.process.create(creation, updateIdOf(call, deps));
  const created = result === 'too_late' ? null : await readConcluded(deps.db, subscriptionId);
  if (created !== null) return created;
  const detail = 'The subscription could not be concluded in time; ask again with the same Idempotency-Key.';
  throw new ProblemError('unavailable', detail);
}

/** A refusal that leaves the outcome open names the subscription. */
function namingSubscription(error: unknown, subscriptionId: string): ProblemError {
  const problem = toProblem(error);
  if (problem.status < 500) return problem;
  const extras = { ...problem.extras, subscription_id: subscriptionId };
  return new ProblemError(problem.code, problem.detail, extras, { cause: problem.cause ?? error });
}

export const subscriptionRoutes = [
  route({
    method: 'post',
    path: '/subscriptions',
    operationId: 'createSubscription',
    tag,
    summary: 'Create a subscription',
    description:
      'Answered when the first payment is decided, or after 10 s with 202 while it is still open. After 503 the ' +
      'outcome is open: repeat with the same Idempotency-Key, or read the subscription that the answer names.',
    scope: 'subscriptions:write',
    body: createSubscription,
    answers: {
      201: { description: 'It is active, trialing or scheduled.', schema: createdSubscription },
      202: { description: 'The first payment is still open.', schema: createdSubscription },
    },
    problems: ['payment_declined', 'too_many_requests'],
    handle: create,
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
      const page = await subscriptions.listSubscriptions(db, query, readPage(list, query));
      return { status: 200, body: pageBody(list, page) };
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
      return { status: 200, body: await subscriptions.readSubscription(db, params.subscription_id) };
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
    async handle({ params, query }, { db }) {
      const asked = readPageBy(periodList, query, decodePosition);
      const page = await subscriptions.listPeriods(db, params.subscription_id, asked);
      return { status: 200, body: pageBodyBy(periodList, page, encodePosition) };
    },
  }),
];
