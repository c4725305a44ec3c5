/**
 * Routes of bulk retries.
 *
 * Owns: checking the filter, writing what it selects, and handing decisions to the run's process. Does not own going
 * through it: the Retry Service does. Invariants: nothing runs that was not asked for with `preview: false`, and not
 * everything without `confirm_all`; once its row is there a run goes on, whoever is away meanwhile.
 */
import { z } from 'zod';
import { id } from '../../contracts/fields';
import {
  bulkRetry,
  createBulkRetry,
  listBulkRetries,
  type CreateBulkRetry,
} from '../../contracts/http/bulk-retries';
import { reasoned, type Reasoned } from '../../contracts/http/scheduler';
import { listOf } from '../../contracts/http/lists';
import type { FieldMistake } from '../../contracts/problems';
import {
  isUnbounded,
  maxSelected,
  statusAfter,
  type BulkRetryCommand,
  type BulkRetryStatus,
} from '../../domain/retry/bulk-retry';
import {
  beginRun,
  countSelected,
  keepPreview,
  previewSelection,
  progressesOf,
  toBulkRetry,
  type BulkRetryRow,
} from '../../billing/retry/bulk-retries';
import { inTransaction, type Database } from '../../prisma/client';
import { pageArguments, pageOf } from '../http/cursors';
import type { ApiDependencies } from '../http/dependencies';
import { notFound, ProblemError, validationFailed } from '../../contracts/problem-error';
import { route, type Answer, type Call } from '../http/route';

const tag = 'Retries';
const list = 'bulk-retries';
const params = z.object({ bulk_retry_id: id });
type Creation = Call<unknown, unknown, CreateBulkRetry>;
type Decision = Call<z.output<typeof params>, unknown, Reasoned>;

async function shown(db: Database, row: BulkRetryRow): Promise<z.output<typeof bulkRetry>> {
  return toBulkRetry(row, (await progressesOf(db, [row])).get(row.id));
}

async function read(db: Database, bulkRetryId: string): Promise<BulkRetryRow> {
  const row = await db.bulkRetry.findUnique({ where: { id: bulkRetryId } });
  if (row === null) throw notFound('bulk retry');
  return row;
}

async function create(call: Creation, deps: ApiDependencies): Promise<Answer> {
  const { db } = deps;
  const { body, caller } = call;
  const bulkRetryId = call.idFor('bulk_retry');
  // Only a derived id can have a row already: an earlier run under the same Idempotency-Key made it.
  const before = await db.bulkRetry.findUnique({ where: { id: bulkRetryId } });
  if (before === null) await check(body, deps);
  const { filter, reason, rate_per_second } = body;
  const actor = { kind: 'api_key' as const, id: caller.id, reason };
  const wanted = { id: bulkRetryId, filter, reason, actor, rate_per_second };
  const row =
    before ?? (await (body.preview ? preview(db, wanted) : inTransaction(db, (tx) => beginRun(tx, wanted))));
  if (row.status === 'running') await start(deps, bulkRetryId);
  return {
    status: body.preview ? 200 : 202,
    body: await shown(db, row),
    headers: { Location: `/bulk-retries/${bulkRetryId}` },
    subjectId: bulkRetryId,
  };
}

async function preview(db: Database, wanted: Parameters<typeof keepPreview>[1]): Promise<BulkRetryRow> {
  const found = await previewSelection(db, wanted.filter);
  return inTransaction(db, (tx) => keepPreview(tx, wanted, found));
}

/** That the filter is one that may run. @throws ProblemError `validation_failed` */
async function check(body: CreateBulkRetry, { db, providers }: ApiDependencies): Promise<void> {
  const { filter, confirm_all: isConfirmed } = body;
  const mistakes: FieldMistake[] = [];
  const note = (path: string, message: string) => mistakes.push({ path, message });
  if (!body.preview && isUnbounded(filter) && !isConfirmed) {
    note('confirm_all', 'must be true to try every failed payment: the filter has no bound');
  }
  if (filter.provider !== undefined && !providers.has(filter.provider)) {
    note('filter.provider', `must be one of ${[...providers.keys()].join(', ')}`);
  }
  if (filter.plan_id !== undefined && (await db.plan.count({ where: { id: filter.plan_id } })) === 0) {
    note('filter.plan_id', 'must be the id of a plan');
  }
  if (mistakes.length === 0 && (await countSelected(db, filter)) > maxSelected) {
    note('filter', `must select at most ${maxSelected} payments: narrow it, and run it more than once`);
  }
  if (mistakes.length > 0) throw validationFailed(mistakes);
}

/** The row is there: who is away meanwhile only delays it, for the reconciliation starts it, too. */
async function start({ bulkRetries, log }: ApiDependencies, bulkRetryId: string): Promise<void> {
  try {
    await bulkRetries.start(bulkRetryId);
  } catch (error) {
    if (!(error instanceof ProblemError)) throw error;
    log.warn({ err: error, bulk_retry_id: bulkRetryId }, 'bulk retry workflow not started');
  }
}

const decide =
  (command: BulkRetryCommand) =>
  async (call: Decision, deps: ApiDependencies): Promise<Answer> => {
    const { bulk_retry_id: bulkRetryId } = call.params;
    const { status } = await read(deps.db, bulkRetryId);
    const after = statusAfter(status as BulkRetryStatus, command);
    if (after === null) {
      throw new ProblemError('bulk_retry_state', `The bulk retry is ${status}.`, { reason: status });
    }
    // Callers may repeat a request id; the asking must be a new one each time.
    const requestId = `${call.requestId}/${deps.newUuid()}`;
    const actor = { kind: 'api_key' as const, id: call.caller.id, reason: call.body.reason };
    if (after !== status) await deps.bulkRetries.command(bulkRetryId, command, { actor }, requestId);
    return { status: 200, body: await shown(deps.db, await read(deps.db, bulkRetryId)) };
  };

const decisionRoute = (command: BulkRetryCommand, summary: string, description: string) =>
  route({
    method: 'post',
    path: `/bulk-retries/{bulk_retry_id}/${command}`,
    operationId: `${command}BulkRetry`,
    tag,
    summary,
    description,
    scope: 'operator',
    params,
    body: reasoned,
    answers: { 200: { description: 'The bulk retry.', schema: bulkRetry } },
    problems: ['not_found', 'bulk_retry_state'],
    handle: decide(command),
  });

export const bulkRetryRoutes = [
  route({
    method: 'post',
    path: '/bulk-retries',
    operationId: 'createBulkRetry',
    tag,
    summary: 'Try many failed payments again, or see what that would do',
    description:
      'Selects the payments whose status is `failed` and that the filter lets through, as they are now. With ' +
      '`preview: true` nothing is tried: the answer counts them, and says which would be refused and why. A run goes ' +
      'through them in the order in which they failed, each as a manual retry that is judged when its turn comes.',
    scope: 'operator',
    body: createBulkRetry,
    answers: {
      200: { description: 'A preview.', schema: bulkRetry },
      202: { description: 'A run, which has begun.', schema: bulkRetry },
    },
    handle: create,
  }),
  route({
    method: 'get',
    path: '/bulk-retries',
    operationId: 'listBulkRetries',
    tag,
    summary: 'List bulk retries and previews, newest first',
    scope: 'operator',
    query: listBulkRetries,
    answers: { 200: { description: 'A page.', schema: listOf(bulkRetry) } },
    problems: ['malformed_cursor'],
    async handle({ query }, { db }) {
      const { after, ...page } = pageArguments(list, query);
      const rows = await db.bulkRetry.findMany({ where: { status: query.status, ...after }, ...page });
      const progresses = await progressesOf(db, rows);
      const toItem = (row: BulkRetryRow) => toBulkRetry(row, progresses.get(row.id));
      return { status: 200, body: pageOf(list, query, rows, toItem) };
    },
  }),
  route({
    method: 'get',
    path: '/bulk-retries/{bulk_retry_id}',
    operationId: 'getBulkRetry',
    tag,
    summary: 'Read a bulk retry, and how far it is',
    scope: 'operator',
    params,
    answers: { 200: { description: 'The bulk retry.', schema: bulkRetry } },
    problems: ['not_found'],
    async handle(call, { db }) {
      return { status: 200, body: await shown(db, await read(db, call.params.bulk_retry_id)) };
    },
  }),
  decisionRoute(
    'pause',
    'Pause a bulk retry',
    'No further payment is handed over until it is resumed. What was handed over is still tried.',
  ),
  decisionRoute('resume', 'Resume a bulk retry', 'It goes on where it was paused.'),
  decisionRoute(
    'cancel',
    'Cancel a bulk retry, for good',
    'What was handed over is still tried; the rest, `remaining`, never is.',
  ),
];
