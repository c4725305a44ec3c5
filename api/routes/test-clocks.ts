/** Routes of test clocks. */
import { z } from 'zod';
import { actorOf } from '../../access/authentication';
import * as clocks from '../../billing/test-clock/clocks';
import { id } from '../../contracts/fields';
import { listOf, pageQuery } from '../../contracts/http/lists';
import {
  advanceTestClock,
  createTestClock,
  testClock,
  type AdvanceTestClock,
} from '../../contracts/http/test-clocks';
import { ProblemError, requireTestClocks } from '../../contracts/problem-error';
import type { CancelCommand } from '../../contracts/workflows/commands';
import { pageBody, readPage } from '../http/cursors';
import type { ApiDependencies } from '../http/dependencies';
import { route, updateIdOf, type Answer, type Call } from '../http/route';

const tag = 'Test clocks';
const list = 'test-clocks';
const clockParams = z.object({ test_clock_id: id });
type ClockCall<Body> = Call<z.output<typeof clockParams>, unknown, Body>;

/** Subscriptions that are cancelled side by side. */
const cancelledAtOnce = 8;

async function advance(call: ClockCall<AdvanceTestClock>, deps: ApiDependencies): Promise<Answer> {
  requireTestClocks(deps.allowTestClocks);
  const clockId = call.params.test_clock_id;
  await clocks.readTestClock(deps.db, clockId);
  const to = new Date(call.body.to).toISOString();
  await deps.clocks.advance(clockId, { to }, updateIdOf(call, deps));
  return { status: 202, body: await clocks.readTestClock(deps.db, clockId) };
}

async function remove(call: ClockCall<unknown>, deps: ApiDependencies): Promise<Answer> {
  const { clock, runningSubscriptionIds: ids } = await clocks.deleteTestClock(
    deps.db,
    call.params.test_clock_id,
  );
  for (let first = 0; first < ids.length; first += cancelledAtOnce) {
    const some = ids.slice(first, first + cancelledAtOnce);
    await Promise.all(some.map((subscriptionId) => cancel(call, deps, subscriptionId)));
  }
  return { status: 200, body: clock };
}

async function cancel(
  call: ClockCall<unknown>,
  deps: ApiDependencies,
  subscriptionId: string,
): Promise<void> {
  const reason = 'test_clock_deleted';
  const command: CancelCommand = {
    mode: 'now',
    refund: 'none',
    reason,
    command_id: `${subscriptionId}/cancel/${reason}`,
    actor: actorOf(call.caller, reason),
  };
  try {
    await deps.process.command(subscriptionId, 'cancel', command, updateIdOf(call, deps), 'read');
  } catch (error) {
    // It has ended by itself meanwhile.
    if (!(error instanceof ProblemError && error.code === 'subscription_final')) throw error;
  }
}

export const testClockRoutes = [
  route({
    method: 'post',
    path: '/test-clocks',
    operationId: 'createTestClock',
    tag,
    summary: 'Create a test clock',
    description:
      'Customers created with its id live by its time, which stands still until the clock is advanced: years of ' +
      'renewals in seconds, through the same workflows and topics as in real time.',
    scope: 'test_clocks',
    body: createTestClock,
    answers: { 201: { description: 'The clock.', schema: testClock } },
    problems: ['test_clocks_disabled'],
    async handle({ body, idFor, lease }, { db, allowTestClocks }) {
      requireTestClocks(allowTestClocks);
      const created = await clocks.createTestClock(db, idFor('test_clock'), new Date(body.now), lease);
      const headers = { Location: `/test-clocks/${created.id}` };
      return { status: 201, body: created, headers, subjectId: created.id };
    },
  }),
  route({
    method: 'get',
    path: '/test-clocks',
    operationId: 'listTestClocks',
    tag,
    summary: 'List test clocks, newest first',
    scope: 'test_clocks',
    query: pageQuery,
    answers: { 200: { description: 'A page.', schema: listOf(testClock) } },
    problems: ['malformed_cursor'],
    async handle({ query }, { db }) {
      return { status: 200, body: pageBody(list, await clocks.listTestClocks(db, readPage(list, query))) };
    },
  }),
  route({
    method: 'get',
    path: '/test-clocks/{test_clock_id}',
    operationId: 'getTestClock',
    tag,
    summary: 'Read a test clock, and how far its advance is',
    scope: 'test_clocks',
    params: clockParams,
    answers: { 200: { description: 'The clock.', schema: testClock } },
    problems: ['not_found'],
    async handle({ params }, { db }) {
      return { status: 200, body: await clocks.readTestClock(db, params.test_clock_id) };
    },
  }),
  route({
    method: 'post',
    path: '/test-clocks/{test_clock_id}/advance',
    operationId: 'advanceTestClock',
    tag,
    summary: 'Advance a test clock',
    description:
      'Answered once it is recorded. The clock goes from one due instant to the next and waits each time until all ' +
      'that is due has happened and is published. Read it until its status is `ready`; `failed` names what did not ' +
      'come to rest.',
    scope: 'test_clocks',
    params: clockParams,
    body: advanceTestClock,
    answers: { 202: { description: 'The clock, on its way.', schema: testClock } },
    problems: ['not_found', 'test_clock_advancing', 'test_clocks_disabled', 'too_many_requests'],
    handle: advance,
  }),
  route({
    method: 'delete',
    path: '/test-clocks/{test_clock_id}',
    operationId: 'deleteTestClock',
    tag,
    summary: 'Delete a test clock',
    description: 'Cancels the subscriptions of its customers, without refunds; the records stay.',
    scope: 'test_clocks',
    params: clockParams,
    answers: { 200: { description: 'The clock as it stood.', schema: testClock } },
    problems: ['not_found'],
    handle: remove,
  }),
];
