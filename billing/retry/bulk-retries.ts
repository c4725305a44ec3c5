/**
 * Bulk retries: what a filter selects, the progress of a run, and an operator's decisions.
 *
 * Does not own why a request is refused. Invariants:
 * - The selection of a run never changes, and no payment is in two runs that are not over.
 * - A run that is over stays over.
 * - The order is that in which the payments failed.
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
  progressOf,
  statusAfter,
  type BulkRefusal,
  type BulkRetryCommand,
  type BulkRetryProgress,
  type BulkRetryStatus,
} from '../../domain/retry/bulk-retry';
import { databaseNow, inTransaction, type Database, type Transaction } from '../../prisma/client';
import type { Prisma } from '../../prisma/generated/client';
import { sql } from '../../prisma/sql';
import { lockBulkRetry, lockBulkRetries } from '../locks';
import { refusalsNow, type RequestedAttempt } from '../payment/retry-facts';
import {
  instantOrNull,
  paymentColumns,
  subscriptionColumns,
  type PaymentRow,
  type SubscriptionRow,
} from '../rows';
import {
  countRequests,
  enqueueDecision,
  enqueuePreview,
  findBulkRetry,
  insertRun,
  selectedPayments,
  type BulkRetryRow,
  type NewBulkRetry,
} from './bulk-store';

/** Payments that are judged by one statement. */
const judgedAtOnce = 500;

/** Reports what a run with this filter would do at once. Reads only. */
export async function previewSelection(
  db: Database | Transaction,
  filter: BulkRetryFilter,
): Promise<BulkRetryPreview> {
  const selected = await selectedPayments(db, filter);
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

/** Reads what the rules of a manual retry look at, for many payments at once, in their order. */
export async function requestsFor(
  on: Database | Transaction,
  paymentIds: readonly string[],
): Promise<RequestedAttempt[]> {
  const payments = await sql(on).query<PaymentRow[]>`
    SELECT ${paymentColumns} FROM payments WHERE id = ANY(${paymentIds})
    ORDER BY array_position(${paymentIds}::text[], id)`;
  const subscriptions = await sql(on).query<SubscriptionRow[]>`
    SELECT ${subscriptionColumns} FROM subscriptions
    WHERE id = ANY(${payments.flatMap(({ subscription_id: id }) => id ?? [])})`;
  const clocks = await sql(on).query<{ customer_id: string; now: Date }[]>`
    SELECT customers.id AS customer_id, now FROM customers JOIN test_clocks ON test_clocks.id = test_clock_id
    WHERE customers.id = ANY(${payments.map(({ customer_id: id }) => id)})`;
  const subscriptionOf = new Map(subscriptions.map((row) => [row.id, row]));
  const clockOf = new Map(clocks.map((row) => [row.customer_id, row.now]));
  const realNow = await databaseNow(on);
  return payments.map((payment) => ({
    payment,
    subscription: subscriptionOf.get(payment.subscription_id ?? '') ?? null,
    wanted: null,
    now: clockOf.get(payment.customer_id) ?? realNow,
  }));
}

/** Begins a run with everything that it selects, once. */
export async function beginRun(tx: Transaction, run: NewBulkRetry): Promise<BulkRetryRow> {
  await lockBulkRetries(tx);
  return (await findBulkRetry(tx, run.id)) ?? insertRun(tx, run, await databaseNow(tx));
}

/** Stores a preview, once. */
export async function keepPreview(
  tx: Transaction,
  run: NewBulkRetry,
  preview: BulkRetryPreview,
): Promise<BulkRetryRow> {
  enqueuePreview(tx, run, preview, await databaseNow(tx));
  const row = await findBulkRetry(tx, run.id);
  if (row === null) throw new Error(`bulk retry ${run.id} was not written`);
  return row;
}

/** Locks a bulk retry for a change. Null when there is no such one. */
export async function lockRun(tx: Transaction, id: string): Promise<BulkRetryRow | null> {
  await lockBulkRetry(tx, id);
  return findBulkRetry(tx, id);
}

/** Executes an operator's decision. @returns the status then, or that which does not allow it; null: no such one */
export async function recordDecision(
  db: Database,
  id: string,
  command: BulkRetryCommand,
  actor: Actor,
): Promise<{ status: BulkRetryStatus; allowed: boolean } | null> {
  return inTransaction(db, async (tx) => {
    const row = await lockRun(tx, id);
    if (row === null) return null;
    const before = row.status;
    const status = statusAfter(before, command);
    if (status === null) return { status: before, allowed: false };
    // Executed already: the first decision stands.
    if (status === before) return { status, allowed: true };
    const now = await databaseNow(tx);
    const decision = { command, at: now.toISOString(), actor };
    enqueueDecision(tx, id, status, decision, { now, finishedAt: isOver(status) ? now : null });
    return { status, allowed: true };
  });
}

/** Reads the progress of runs, by their ids. */
export async function progressesOf(
  on: Database | Transaction,
  rows: readonly Pick<BulkRetryRow, 'id' | 'total'>[],
): Promise<Map<string, BulkRetryProgress>> {
  const counts = await countRequests(
    on,
    rows.map(({ id }) => id),
  );
  const countOf = (id: string, status: string): number =>
    counts.find((found) => found.bulk_retry_id === id && found.status === status)?.count ?? 0;
  return new Map(
    rows.map(({ id, total }) => {
      const settled = { attempted: countOf(id, 'attempted'), refused: countOf(id, 'refused') };
      return [id, progressOf(total, settled)];
    }),
  );
}

/** As the API shows it. @throws ZodError when the row breaks the contract */
export function toBulkRetry(
  row: Omit<Prisma.BulkRetryGetPayload<object>, 'trace'>,
  progress: BulkRetryProgress | undefined,
): BulkRetry {
  return bulkRetry.parse({
    ...row,
    progress: row.status === 'previewed' ? null : progress,
    created_at: row.created_at.toISOString(),
    updated_at: row.updated_at.toISOString(),
    finished_at: instantOrNull(row.finished_at),
  });
}
