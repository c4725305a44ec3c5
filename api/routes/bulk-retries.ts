/** Routes of bulk retries. Invariant: once its row is there a run is resumed, whatever is down meanwhile. */
import { z } from 'zod';
import { actorOf } from '../../access/authentication';
import { detachTexts } from '../../billing/command-texts';
import * as bulk from '../../billing/retry/bulk-requests';
import { id } from '../../contracts/fields';
import {
  bulkRetry,
  createBulkRetry,
  listBulkRetries,
  type CreateBulkRetry,
} from '../../contracts/http/bulk-retries';
import { listOf } from '../../contracts/http/lists';
import { reasoned, type Reasoned } from '../../contracts/http/scheduler';
import { ProblemError } from '../../contracts/problem-error';
import type { BulkRetryCommand } from '../../domain/retry/bulk-retry';
import { pageBody, readPage } from '../http/cursors';
import type { ApiDependencies } from '../http/dependencies';
import { route, updateIdOf, type Answer, type Call } from '../http/route';

const tag = 'Retries';
const list = 'bulk-retries';
const params = z.object({ bulk_retry_id: id });
type Creation = Call<unknown, unknown, CreateBulkRetry>;
type Decision = Call<z.output<typeof params>, unknown, Reasoned>;

async function create({ body, caller, trace, idFor }: Creation, deps: ApiDependencies): Promise<Answer> {
  const bulkRetryId = idFor('bulk_retry');
  const actor = actorOf(caller, body.reason);
  const providers = [...deps.providers.keys()];
  const request = { id: bulkRetryId, request: body, actor, trace };
  const created = await bulk.createBulkRetry(deps.db, request, providers);
  if (created.status === 'running') await start(deps, bulkRetryId);
  return {
    status: body.preview ? 200 : 202,
    body: created,
    headers: { Location: `/bulk-retries/${bulkRetryId}` },
    subjectId: bulkRetryId,
  };
}

/** The row is there, so a Temporal that is down only delays the run: the reconciliation starts it, too. */
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
    if (await bulk.judgeDecision(deps.db, bulkRetryId, command)) {
      const owner = { id: deps.newUuid(), subject: { type: 'bulk_retry', id: bulkRetryId } } as const;
      const complete = { actor: actorOf(call.caller, call.body.reason), ...call.trace };
      const decision = await detachTexts(deps.db, owner, complete);
      await deps.bulkRetries.command(bulkRetryId, command, decision, updateIdOf(call, deps));
    }
    return { status: 200, body: await bulk.readBulkRetry(deps.db, bulkRetryId) };
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
    problems: ['not_found', 'bulk_retry_state', 'too_many_requests'],
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
      const page = await bulk.listBulkRetries(db, query.status, readPage(list, query));
      return { status: 200, body: pageBody(list, page) };
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
      return { status: 200, body: await bulk.readBulkRetry(db, call.params.bulk_retry_id) };
    },
  }),
  decisionRoute(
    'pause',
    'Pause a bulk retry',
    'No further payment is handed over until it is resumed. What was handed over is still tried.',
  ),
  decisionRoute('resume', 'Resume a bulk retry', 'It continues where it was paused.'),
  decisionRoute(
    'cancel',
    'Cancel a bulk retry, for good',
    'What was handed over is still tried; the rest, `remaining`, never is.',
  ),
];
