/**
 * Bulk retries as rows: what a filter selects, how far a run is, and what became of it.
 *
 * Owns: rows of `bulk_retries` and `bulk_retry_payments`. Does not own the wishes (`retry_requests`) that a run hands
 * over, nor why one is refused. Invariants: what a run selected never changes, and no payment is in two runs that are
 * not over; a run that is over stays so; the order is that in which the payments failed.
 */
import {
  bulkRetry,
  type BulkRetry,
  type BulkRetryFilter,
  type BulkRetryPreview,
} from '../../contracts/http/bulk-retries';
import type { Actor } from '../../contracts/fields';
import {
  isOver,
  maxSelected,
  progressOf,
  statusAfter,
  type BulkRefusal,
  type BulkRetryCommand,
  type BulkRetryProgress,
  type BulkRetryStatus,
} from '../../domain/retry/bulk-retry';
import { databaseNow, inTransaction, type Database, type Transaction } from '../../prisma/client';
import { sql } from '../../prisma/sql';
import { Prisma } from '../../prisma/generated/client';
import { refusalsNow, type RequestedAttempt } from '../payment/retry-facts';
import { instantOrNull, paymentRow, subscriptionRow } from '../rows';

export type BulkRetryRow = Prisma.BulkRetryGetPayload<object>;

/** Payments that are judged by one question to the database. */
const judgedAtOnce = 500;

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
        SELECT failure, provider, coalesce(settled_at, started_at) AS failed_at FROM payment_attempts
        WHERE payment_id = p.id ORDER BY number DESC LIMIT 1) AS a
      LEFT JOIN subscriptions s ON s.id = p.subscription_id
    WHERE ${Prisma.join([Prisma.sql`p.status = 'failed'`, ...bounds], ' AND ')}`;
}

/** How many a filter lets through, at most one more than a run may have. */
export async function countSelected(db: Transaction, filter: BulkRetryFilter): Promise<number> {
  const [row] = await sql(db).query<[{ count: number }]>`
    SELECT count(*)::int AS count FROM (${selectionOf(filter)} LIMIT ${maxSelected + 1}) AS selected`;
  return row.count;
}

/** What a run with this filter would do if it were over in an instant. Reads only. */
export async function previewSelection(db: Transaction, filter: BulkRetryFilter): Promise<BulkRetryPreview> {
  const selected = await sql(db).query<{ id: string; held: boolean }[]>`
    SELECT id, held FROM (${selectionOf(filter)}) AS selected ORDER BY failed_at, id LIMIT ${maxSelected}`;
  const refusals = new Map<BulkRefusal, number>();
  const sums = new Map<string, bigint>();
  const refuse = (reason: BulkRefusal): void => void refusals.set(reason, (refusals.get(reason) ?? 0) + 1);
  const free = selected.filter(({ held }) => !held).map(({ id }) => id);
  for (let held = selected.length - free.length; held > 0; held -= 1) refuse('in_bulk_retry');
  let count = 0;
  for (let first = 0; first < free.length; first += judgedAtOnce) {
    const asked = await requestsFor(db, free.slice(first, first + judgedAtOnce));
    const reasons = await refusalsNow(db, asked);
    asked.forEach(({ payment: { currency, amount } }, at) => {
      const reason = reasons[at] ?? null;
      if (reason !== null) return refuse(reason);
      count += 1;
      sums.set(currency, (sums.get(currency) ?? 0n) + amount);
    });
  }
  return {
    count,
    sums: sorted(sums).map(([currency, amount]) => ({ currency, amount: Number(amount) })),
    refusals: sorted(refusals).map(([reason, number]) => ({ reason, count: number })),
  };
}

function sorted<Key extends string, Value>(map: ReadonlyMap<Key, Value>): [Key, Value][] {
  return [...map].toSorted(([a], [b]) => a.localeCompare(b));
}

/** What the rules of a manual retry look at, for many payments at once. */
export async function requestsFor(
  tx: Transaction,
  paymentIds: readonly string[],
): Promise<RequestedAttempt[]> {
  const rows = await tx.payment.findMany({
    where: { id: { in: [...paymentIds] } },
    include: { subscription: true, customer: { select: { test_clock_id: true } } },
  });
  const clockIds = rows.flatMap(({ customer }) => customer.test_clock_id ?? []);
  const clocks = await tx.testClock.findMany({ where: { id: { in: [...new Set(clockIds)] } } });
  const realNow = await databaseNow(tx);
  return rows.map(({ subscription, customer, ...payment }) => {
    const clock = clocks.find(({ id }) => id === customer.test_clock_id);
    return {
      payment: paymentRow(payment),
      subscription: subscription && subscriptionRow(subscription),
      wanted: null,
      now: clock?.now ?? realNow,
    };
  });
}

export interface NewBulkRetry {
  id: string;
  filter: BulkRetryFilter;
  reason: string;
  actor: Actor;
  rate_per_second: number;
}

/** Writes a run with everything that it selects, once. */
export async function beginRun(tx: Transaction, wanted: NewBulkRetry): Promise<BulkRetryRow> {
  // Who begins one sees what the other has selected.
  await sql(tx).query`SELECT pg_advisory_xact_lock(hashtextextended('bulk_retries', 0))::text`;
  const before = await tx.bulkRetry.findUnique({ where: { id: wanted.id } });
  if (before !== null) return before;
  const now = await databaseNow(tx);
  await tx.bulkRetry.create({ data: { ...wanted, status: 'running', created_at: now, updated_at: now } });
  const total = await sql(tx).execute`
    INSERT INTO bulk_retry_payments (bulk_retry_id, position, payment_id)
    SELECT ${wanted.id}, row_number() OVER (ORDER BY failed_at, id), id
    FROM (${selectionOf(wanted.filter)}) AS selected WHERE NOT held`;
  return tx.bulkRetry.update({ where: { id: wanted.id }, data: { total } });
}

/** Keeps a preview, once. */
export async function keepPreview(
  tx: Transaction,
  wanted: NewBulkRetry,
  preview: BulkRetryPreview,
): Promise<BulkRetryRow> {
  const now = await databaseNow(tx);
  const times = { created_at: now, updated_at: now, finished_at: now };
  const data = [{ ...wanted, status: 'previewed', preview, ...times }];
  await tx.bulkRetry.createMany({ data, skipDuplicates: true });
  return tx.bulkRetry.findUniqueOrThrow({ where: { id: wanted.id } });
}

/** Locks a bulk retry for a change. Null when there is no such one. */
export async function lockBulkRetry(tx: Transaction, id: string): Promise<BulkRetryRow | null> {
  await sql(tx).query`SELECT 1 FROM bulk_retries WHERE id = ${id} FOR UPDATE`;
  return tx.bulkRetry.findUnique({ where: { id } });
}

/** Carries out what an operator decided. @returns the status then, or that which does not allow it; null: no such one */
export async function recordDecision(
  db: Database,
  id: string,
  command: BulkRetryCommand,
  actor: Actor,
): Promise<{ status: BulkRetryStatus; allowed: boolean } | null> {
  return inTransaction(db, async (tx) => {
    const row = await lockBulkRetry(tx, id);
    if (row === null) return null;
    const before = row.status as BulkRetryStatus;
    const status = statusAfter(before, command);
    if (status === null) return { status: before, allowed: false };
    // Carried out already: the first decision stands.
    if (status === before) return { status, allowed: true };
    const now = await databaseNow(tx);
    const decision = { command, at: now.toISOString(), actor };
    const finished_at = isOver(status) ? now : null;
    await tx.bulkRetry.update({ where: { id }, data: { status, decision, updated_at: now, finished_at } });
    return { status, allowed: true };
  });
}

/** How far runs are, by their ids. */
export async function progressesOf(
  tx: Transaction,
  rows: readonly Pick<BulkRetryRow, 'id' | 'total'>[],
): Promise<Map<string, BulkRetryProgress>> {
  const counts = await tx.retryRequest.groupBy({
    by: ['bulk_retry_id', 'status'],
    where: { bulk_retry_id: { in: rows.map(({ id }) => id) } },
    _count: true,
  });
  const countOf = (id: string, status: string): number =>
    counts.find((count) => count.bulk_retry_id === id && count.status === status)?._count ?? 0;
  return new Map(
    rows.map(({ id, total }) => {
      const settled = { attempted: countOf(id, 'attempted'), refused: countOf(id, 'refused') };
      return [id, progressOf(total, settled)];
    }),
  );
}

/** As the API shows it. @throws ZodError when the row breaks the contract */
export function toBulkRetry(row: BulkRetryRow, progress: BulkRetryProgress | undefined): BulkRetry {
  return bulkRetry.parse({
    ...row,
    progress: row.status === 'previewed' ? null : progress,
    created_at: row.created_at.toISOString(),
    updated_at: row.updated_at.toISOString(),
    finished_at: instantOrNull(row.finished_at),
  });
}
