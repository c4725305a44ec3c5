/** Statements over bulk retries: the runs, the payments that they select, and the requests that they release. */
import type { BulkRetryFilter, BulkRetryPreview } from '../../contracts/http/bulk-retries';
import type { Actor } from '../../contracts/fields';
import { maxSelected, type BulkRetryCommand, type BulkRetryStatus } from '../../domain/retry/bulk-retry';
import type { TraceContext } from '../../domain/trace';
import type { Database, Transaction } from '../../prisma/client';
import { columnsOf } from '../../prisma/columns';
import { Prisma } from '../../prisma/generated/client';
import { sql } from '../../prisma/sql';

type Row = Prisma.BulkRetryGetPayload<object>;
export type BulkRetryRow = Omit<Row, 'status' | 'actor' | 'trace'> & {
  status: BulkRetryStatus;
  actor: Actor;
  trace: TraceContext | null;
};
const bulkRetryColumns = columnsOf(Prisma.BulkRetryScalarFieldEnum);

export interface NewBulkRetry {
  id: string;
  filter: BulkRetryFilter;
  reason: string;
  actor: Actor;
  trace: TraceContext;
  rate_per_second: number;
}

/** Null when there is no such one. */
export async function findBulkRetry(on: Database | Transaction, id: string): Promise<BulkRetryRow | null> {
  const [row] = await sql(on).query<BulkRetryRow[]>`
    SELECT ${bulkRetryColumns} FROM bulk_retries WHERE id = ${id}`;
  return row ?? null;
}

/** A first payment is tried once: its failure ends its subscription. */
const retriable = Prisma.sql`p.status = 'failed' AND p.kind <> 'first'`;

/**
 * Failed payments that a filter lets through: `id`, `failed_at`, and `held`, whether another run that is not over has
 * them.
 */
function selectionOf(filter: BulkRetryFilter): Prisma.Sql {
  const { categories, provider, plan_id: planId, failed_from: from, failed_to: to } = filter;
  const bounds = [
    ...(categories === undefined
      ? []
      : [
          Prisma.sql`(a.failure ->> 'code' = ANY(${categories}) OR a.failure ->> 'category' = ANY(${categories}))`,
        ]),
    ...(provider === undefined ? [] : [Prisma.sql`a.provider = ${provider}`]),
    ...(planId === undefined ? [] : [Prisma.sql`s.plan_id = ${planId}`]),
    ...(from === undefined ? [] : [Prisma.sql`a.failed_at >= ${new Date(from)}`]),
    ...(to === undefined ? [] : [Prisma.sql`a.failed_at < ${new Date(to)}`]),
  ];
  return Prisma.sql`
    SELECT p.id, a.failed_at, EXISTS (
      SELECT 1 FROM bulk_retry_payments b JOIN bulk_retries r ON r.id = b.bulk_retry_id
      WHERE b.payment_id = p.id AND r.status IN ('running', 'paused')) AS held
    FROM payments p
      CROSS JOIN LATERAL (
        SELECT failure, provider, coalesce(settled_at, began_at, started_at) AS failed_at FROM payment_attempts
        WHERE payment_id = p.id ORDER BY number DESC LIMIT 1) AS a
      LEFT JOIN subscriptions s ON s.id = p.subscription_id
    WHERE ${Prisma.join([retriable, ...bounds], ' AND ')}`;
}

/** Counts what a filter lets through, at most one more than a run may have. */
export async function countSelected(on: Database | Transaction, filter: BulkRetryFilter): Promise<number> {
  const [row] = await sql(on).query<[{ count: number }]>`
    SELECT count(*)::int AS count FROM (${selectionOf(filter)} LIMIT ${maxSelected + 1}) AS selected`;
  return row.count;
}

/** What a filter lets through, in the order in which the payments failed; `held`: another run has them. */
export function selectedPayments(
  on: Database | Transaction,
  filter: BulkRetryFilter,
): Promise<{ id: string; held: boolean }[]> {
  return sql(on).query<{ id: string; held: boolean }[]>`
    SELECT id, held FROM (${selectionOf(filter)}) AS selected ORDER BY failed_at, id LIMIT ${maxSelected}`;
}

/** Inserts a run with everything that it selects. */
export async function insertRun(tx: Transaction, run: NewBulkRetry, now: Date): Promise<BulkRetryRow> {
  sql(tx).enqueue`
    INSERT INTO bulk_retries (id, status, filter, reason, actor, trace, rate_per_second, created_at, updated_at)
    VALUES (${run.id}, 'running', ${JSON.stringify(run.filter)}::jsonb, ${run.reason},
      ${JSON.stringify(run.actor)}::jsonb, ${JSON.stringify(run.trace)}::jsonb, ${run.rate_per_second}, ${now},
      ${now})`;
  const total = await sql(tx).execute`
    INSERT INTO bulk_retry_payments (bulk_retry_id, position, payment_id)
    SELECT ${run.id}, row_number() OVER (ORDER BY failed_at, id), id
    FROM (${selectionOf(run.filter)}) AS selected WHERE NOT held`;
  const [row] = await sql(tx).query<[BulkRetryRow]>`
    UPDATE bulk_retries SET total = ${total} WHERE id = ${run.id} RETURNING ${bulkRetryColumns}`;
  return row;
}

/** Inserts a preview, unless it is there. */
export function enqueuePreview(
  tx: Transaction,
  run: NewBulkRetry,
  preview: BulkRetryPreview,
  now: Date,
): void {
  sql(tx).enqueue`
    INSERT INTO bulk_retries (id, status, filter, reason, actor, rate_per_second, preview, created_at, updated_at,
      finished_at)
    VALUES (${run.id}, 'previewed', ${JSON.stringify(run.filter)}::jsonb, ${run.reason},
      ${JSON.stringify(run.actor)}::jsonb, ${run.rate_per_second}, ${JSON.stringify(preview)}::jsonb, ${now}, ${now},
      ${now})
    ON CONFLICT DO NOTHING`;
}

/** Writes an operator's decision. @param finishedAt null: the run is not over by it */
export function enqueueDecision(
  tx: Transaction,
  id: string,
  status: BulkRetryStatus,
  decision: { command: BulkRetryCommand; at: string; actor: Actor },
  times: { now: Date; finishedAt: Date | null },
): void {
  sql(tx).enqueue`
    UPDATE bulk_retries SET status = ${status}, decision = ${JSON.stringify(decision)}::jsonb,
      updated_at = ${times.now}, finished_at = ${times.finishedAt}
    WHERE id = ${id}`;
}

/** Completes a run. */
export function enqueueCompletion(tx: Transaction, id: string, now: Date): void {
  sql(tx).enqueue`
    UPDATE bulk_retries SET status = 'completed', updated_at = ${now}, finished_at = ${now} WHERE id = ${id}`;
}

/** Writes the position up to which a run has released requests. */
export function enqueueReleased(tx: Transaction, id: string, released: number, now: Date): void {
  sql(tx).enqueue`UPDATE bulk_retries SET released = ${released}, updated_at = ${now} WHERE id = ${id}`;
}

/** Counts the requests of runs by their status. */
export function countRequests(
  on: Database | Transaction,
  ids: readonly string[],
): Promise<{ bulk_retry_id: string; status: string; count: number }[]> {
  return sql(on).query<{ bulk_retry_id: string; status: string; count: number }[]>`
    SELECT bulk_retry_id, status, count(*)::int AS count FROM retry_requests
    WHERE bulk_retry_id = ANY(${ids}) GROUP BY bulk_retry_id, status`;
}

/** The payments of one batch, in order. */
export function paymentsOfBatch(
  tx: Transaction,
  id: string,
  after: number,
  payments: number,
): Promise<{ position: number; payment_id: string }[]> {
  return sql(tx).query<{ position: number; payment_id: string }[]>`
    SELECT position, payment_id FROM bulk_retry_payments
    WHERE bulk_retry_id = ${id} AND position > ${after} AND position <= ${after + payments} ORDER BY position`;
}

export interface ReleasedRequest {
  id: string;
  payment_id: string;
  /** null: it waits for its turn. */
  refusal: string | null;
}

/** Inserts the requests of a batch, those that are there excepted. */
export function enqueueRequests(
  tx: Transaction,
  run: Pick<BulkRetryRow, 'id' | 'reason' | 'actor' | 'trace'>,
  requests: readonly ReleasedRequest[],
  now: Date,
): void {
  sql(tx).enqueue`
    INSERT INTO retry_requests (id, payment_id, reason, actor, trace, bulk_retry_id, status, refusal, requested_at,
      settled_at)
    SELECT id, payment_id, ${run.reason}, ${JSON.stringify(run.actor)}::jsonb,
      ${run.trace === null ? null : JSON.stringify(run.trace)}::jsonb, ${run.id},
      CASE WHEN refusal IS NULL THEN 'requested' ELSE 'refused' END, refusal, ${now}::timestamptz,
      CASE WHEN refusal IS NULL THEN NULL ELSE ${now}::timestamptz END
    FROM json_to_recordset(${JSON.stringify(requests)}::json) AS given(id text, payment_id text, refusal text)
    ON CONFLICT DO NOTHING`;
}

/** The payments of those requests that are not settled. */
export async function paymentsOfOpenRequests(
  tx: Transaction,
  requestIds: readonly string[],
): Promise<string[]> {
  const rows = await sql(tx).query<{ payment_id: string }[]>`
    SELECT payment_id FROM retry_requests WHERE id = ANY(${requestIds}) AND settled_at IS NULL`;
  return rows.map(({ payment_id }) => payment_id);
}
