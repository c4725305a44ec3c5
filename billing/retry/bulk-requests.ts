/**
 * Bulk retries as operators ask for them and see them.
 *
 * Owns checking the filter and recording what it selects. Does not own running one: the Retry Service does.
 * Invariant: nothing runs that was not asked for with `preview: false`, and not everything without `confirm_all`.
 */
import type { Actor } from '../../contracts/fields';
import type { BulkRetry, CreateBulkRetry } from '../../contracts/http/bulk-retries';
import { notFound, ProblemError, validationFailed } from '../../contracts/problem-error';
import type { FieldMistake } from '../../contracts/problems';
import { isUnbounded, maxSelected, statusAfter, type BulkRetryCommand } from '../../domain/retry/bulk-retry';
import type { TraceContext } from '../../domain/trace';
import { inTransaction, type Database } from '../../prisma/client';
import { newestFirst, pageOf, type Page, type PageRequest } from '../../prisma/pages';
import { beginRun, keepPreview, previewSelection, progressesOf, toBulkRetry } from './bulk-retries';
import { countSelected, findBulkRetry, type BulkRetryRow } from './bulk-store';

export interface BulkRetryRequest {
  /** Derived from the Idempotency-Key when there is one. */
  id: string;
  request: CreateBulkRetry;
  actor: Actor;
  /** W3C trace context of the call. */
  trace: TraceContext;
}

/**
 * Records a bulk retry or its preview, once by its id.
 * @param providers the names of the providers that there are
 * @throws ProblemError `validation_failed`
 */
export async function createBulkRetry(
  db: Database,
  { id, request, actor, trace }: BulkRetryRequest,
  providers: readonly string[],
): Promise<BulkRetry> {
  // Only a derived id can have a row already: an earlier run under the same Idempotency-Key created it.
  const before = await findBulkRetry(db, id);
  if (before !== null) return withProgress(db, before);
  await check(db, request, providers);
  const { filter, reason, rate_per_second } = request;
  const wanted = { id, filter, reason, actor, trace, rate_per_second };
  const row = request.preview
    ? await previewed(db, wanted)
    : await inTransaction(db, (tx) => beginRun(tx, wanted));
  return withProgress(db, row);
}

async function previewed(db: Database, wanted: Parameters<typeof keepPreview>[1]): Promise<BulkRetryRow> {
  const found = await previewSelection(db, wanted.filter);
  return inTransaction(db, (tx) => keepPreview(tx, wanted, found));
}

/** Checks that the filter is one that may run. @throws ProblemError `validation_failed` */
async function check(db: Database, request: CreateBulkRetry, providers: readonly string[]): Promise<void> {
  const { filter, confirm_all: isConfirmed } = request;
  const mistakes: FieldMistake[] = [];
  const note = (path: string, message: string) => mistakes.push({ path, message });
  if (!request.preview && isUnbounded(filter) && !isConfirmed) {
    note('confirm_all', 'must be true to try every failed payment: the filter has no bound');
  }
  if (filter.provider !== undefined && !providers.includes(filter.provider)) {
    note('filter.provider', `must be one of ${providers.join(', ')}`);
  }
  if (filter.plan_id !== undefined && (await db.plan.count({ where: { id: filter.plan_id } })) === 0) {
    note('filter.plan_id', 'must be the id of a plan');
  }
  if (mistakes.length === 0 && (await countSelected(db, filter)) > maxSelected) {
    note('filter', `must select at most ${maxSelected} payments: narrow it, and run it more than once`);
  }
  if (mistakes.length > 0) throw validationFailed(mistakes);
}

/** Lists bulk retries and previews, newest first. */
export async function listBulkRetries(
  db: Database,
  status: string | undefined,
  page: PageRequest,
): Promise<Page<BulkRetry>> {
  const { after, ...order } = newestFirst(page);
  const rows = await db.bulkRetry.findMany({ where: { status, ...after }, ...order });
  const progresses = await progressesOf(db, rows);
  return pageOf(rows, page.limit, (row) => toBulkRetry(row, progresses.get(row.id)));
}

/** Reads a bulk retry and how far it is. @throws ProblemError `not_found` */
export async function readBulkRetry(db: Database, bulkRetryId: string): Promise<BulkRetry> {
  return withProgress(db, await requireBulkRetry(db, bulkRetryId));
}

/**
 * Judges an operator's decision before the run's process is asked.
 * @returns whether the process has to apply it; false: it is applied already
 * @throws ProblemError `not_found`, `bulk_retry_state`
 */
export async function judgeDecision(
  db: Database,
  bulkRetryId: string,
  command: BulkRetryCommand,
): Promise<boolean> {
  const { status } = await requireBulkRetry(db, bulkRetryId);
  const after = statusAfter(status, command);
  if (after === null) {
    throw new ProblemError('bulk_retry_state', `The bulk retry is ${status}.`, { reason: status });
  }
  return after !== status;
}

async function requireBulkRetry(db: Database, bulkRetryId: string): Promise<BulkRetryRow> {
  const row = await findBulkRetry(db, bulkRetryId);
  if (row === null) throw notFound('bulk retry');
  return row;
}

async function withProgress(db: Database, row: BulkRetryRow): Promise<BulkRetry> {
  return toBulkRetry(row, (await progressesOf(db, [row])).get(row.id));
}
