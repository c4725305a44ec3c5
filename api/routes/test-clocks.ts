/**
 * Routes of test clocks.
 *
 * Owns: making, showing and deleting them. Does not own moving one: its process does. Invariants: a deleted clock
 * stands still for ever, and nothing of its customers lives on; deleting again finishes what an interrupted call left.
 */
import { z } from 'zod';
import type { CancelCommand } from '../../contracts/workflows/commands';
import { id } from '../../contracts/fields';
import { listOf, pageQuery } from '../../contracts/http/lists';
import {
  advanceTestClock,
  createTestClock,
  testClock,
  type AdvanceTestClock,
  type CreateTestClock,
  type TestClock,
} from '../../contracts/http/test-clocks';
import { finalStatuses } from '../../domain/subscription/subscription';
import { databaseNow, inTransaction, type Database } from '../../prisma/client';
import { sql } from '../../prisma/sql';
import type { Prisma } from '../../prisma/generated/client';
import { instantOrNull } from '../../billing/rows';
import { pageArguments, pageOf } from '../http/cursors';
import type { ApiDependencies } from '../http/dependencies';
import { recordCreated } from '../../access/idempotency';
import { notFound, ProblemError } from '../../contracts/problem-error';
import { route, type Answer, type Call } from '../http/route';

const tag = 'Test clocks';
const list = 'test-clocks';
const clockParams = z.object({ test_clock_id: id });
type ClockCall<Body> = Call<z.output<typeof clockParams>, unknown, Body>;
type ClockRow = Prisma.TestClockGetPayload<object>;

/** Subscriptions that are cancelled side by side. */
const cancelledAtOnce = 8;

function toTestClock(row: ClockRow): TestClock {
  return {
    id: row.id,
    now: row.now.toISOString(),
    status: row.status as TestClock['status'],
    target: instantOrNull(row.target),
    steps: row.steps,
    detail: row.detail,
    created_at: row.created_at.toISOString(),
  };
}

/** @throws ProblemError `not_found`, for a deleted one, too */
async function read(db: Database, clockId: string): Promise<ClockRow> {
  const row = await db.testClock.findUnique({ where: { id: clockId } });
  if (row === null || row.deleted_at !== null) throw notFound('test clock');
  return row;
}

async function create(
  call: Call<unknown, unknown, CreateTestClock>,
  { db }: ApiDependencies,
): Promise<Answer> {
  const clockId = call.idFor('test_clock');
  const row = await inTransaction(db, async (tx) => {
    const data = [{ id: clockId, now: new Date(call.body.now) }];
    const { count } = await tx.testClock.createMany({ data, skipDuplicates: true });
    if (count === 1) await recordCreated(tx, call.lease, clockId);
    return tx.testClock.findUniqueOrThrow({ where: { id: clockId } });
  });
  const headers = { Location: `/test-clocks/${clockId}` };
  return { status: 201, body: toTestClock(row), headers, subjectId: clockId };
}

async function advance(call: ClockCall<AdvanceTestClock>, deps: ApiDependencies): Promise<Answer> {
  const clockId = call.params.test_clock_id;
  await read(deps.db, clockId);
  const to = new Date(call.body.to).toISOString();
  // Callers may repeat a request id; the asking must be a new one each time.
  await deps.clocks.advance(clockId, { to }, `${call.requestId}/${deps.newUuid()}`);
  return { status: 202, body: toTestClock(await read(deps.db, clockId)) };
}

async function remove(call: ClockCall<unknown>, deps: ApiDependencies): Promise<Answer> {
  const clockId = call.params.test_clock_id;
  const row = await inTransaction(deps.db, async (tx) => {
    await sql(tx).execute`SELECT 1 FROM test_clocks WHERE id = ${clockId} FOR UPDATE`;
    const before = await tx.testClock.findUnique({ where: { id: clockId } });
    if (before === null) throw notFound('test clock');
    if (before.deleted_at !== null) return before;
    const data = { deleted_at: await databaseNow(tx), status: 'ready', target: null, detail: null };
    return tx.testClock.update({ where: { id: clockId }, data });
  });
  const living = await deps.db.subscription.findMany({
    where: { test_clock_id: clockId, status: { notIn: [...finalStatuses] } },
    orderBy: { id: 'asc' },
    select: { id: true },
  });
  for (let first = 0; first < living.length; first += cancelledAtOnce) {
    const some = living.slice(first, first + cancelledAtOnce);
    await Promise.all(some.map((subscription) => cancel(call, deps, subscription.id)));
  }
  return { status: 200, body: toTestClock(row) };
}

async function cancel(
  { caller, requestId }: ClockCall<unknown>,
  { process, newUuid }: ApiDependencies,
  subscriptionId: string,
): Promise<void> {
  const reason = 'test_clock_deleted';
  const command: CancelCommand = {
    mode: 'now',
    refund: 'none',
    reason,
    command_id: `${subscriptionId}/cancel/${reason}`,
    actor: { kind: 'api_key', id: caller.id, reason },
  };
  try {
    await process.command(subscriptionId, 'cancel', command, `${requestId}/${newUuid()}`);
  } catch (error) {
    // It ended by itself meanwhile.
    if (!(error instanceof ProblemError && error.code === 'subscription_final')) throw error;
  }
}

export const testClockRoutes = [
  route({
    method: 'post',
    path: '/test-clocks',
    operationId: 'createTestClock',
    tag,
    summary: 'Make a test clock',
    description:
      'Customers made with its id live by its time, which stands still until the clock is advanced: years of ' +
      'renewals in seconds, through the same workflows and topics as in real time.',
    scope: 'test_clocks',
    body: createTestClock,
    answers: { 201: { description: 'The clock.', schema: testClock } },
    handle: create,
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
      const { after, ...page } = pageArguments(list, query);
      const rows = await db.testClock.findMany({ where: { deleted_at: null, ...after }, ...page });
      return { status: 200, body: pageOf(list, query, rows, toTestClock) };
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
      return { status: 200, body: toTestClock(await read(db, params.test_clock_id)) };
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
    problems: ['not_found', 'test_clock_advancing'],
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
