/**
 * Runs one bulk retry, batch by batch: a retry request for each payment that it selected, and a message to its process.
 *
 * Invariants:
 * - The request for a payment is written once, under an id that follows from run and payment.
 * - A run that is not running releases nothing: its row is locked meanwhile.
 * - A payment that may not be retried now is refused at once, and its process gets no message.
 * - A batch that is released again only wakes the payments whose request is still open.
 */
import type { Actor } from '../../contracts/fields';
import type { WorkflowMessage } from '../../contracts/workflows/messages';
import type { BulkRetryCommand, BulkRetryProgress, BulkRetryStatus } from '../../domain/retry/bulk-retry';
import { bulkRetryRequestId } from '../../domain/ids';
import { lockRun, progressesOf, recordDecision, requestsFor } from './bulk-retries';
import {
  enqueueCompletion,
  enqueueReleased,
  enqueueRequests,
  paymentsOfBatch,
  paymentsOfOpenRequests,
  type BulkRetryRow,
} from './bulk-store';
import { databaseNow, inTransaction, type Database, type Transaction } from '../../prisma/client';
import { refusalsNow } from '../payment/retry-facts';

/** What the process of a bulk retry decides by; plain JSON. */
export interface BulkRetryState {
  bulk_retry_id: string;
  status: BulkRetryStatus;
  rate_per_second: number;
  /** The position up to which requests were released. */
  released: number;
  progress: BulkRetryProgress;
}

export type DecidedBulkRetry =
  { kind: 'decided' } | { kind: 'refused'; status: BulkRetryStatus } | { kind: 'unknown' };

export interface Batch {
  /** The position after which it begins. */
  after: number;
  payments: number;
}

/** Loads a run, and completes it when all its requests are settled. Null: there is no such one. */
export async function loadBulkRetry(db: Database, id: string): Promise<BulkRetryState | null> {
  return inTransaction(db, async (tx) => {
    const row = await lockRun(tx, id);
    if (row === null) return null;
    const progress = await progressOfRow(tx, row);
    const isDone = row.status === 'running' && progress.remaining === 0;
    if (!isDone) return toState(row, progress);
    const now = await databaseNow(tx);
    enqueueCompletion(tx, id, now);
    return toState({ ...row, status: 'completed' }, progress);
  });
}

async function progressOfRow(tx: Transaction, row: BulkRetryRow): Promise<BulkRetryProgress> {
  const progress = (await progressesOf(tx, [row])).get(row.id);
  if (progress === undefined) throw new Error('the progress of a row that was asked about');
  return progress;
}

function toState(row: BulkRetryRow, progress: BulkRetryProgress): BulkRetryState {
  const { id, status, rate_per_second, released } = row;
  return { bulk_retry_id: id, status, rate_per_second, released, progress };
}

export async function decideBulkRetry(
  db: Database,
  id: string,
  command: BulkRetryCommand,
  actor: Actor,
): Promise<DecidedBulkRetry> {
  const decided = await recordDecision(db, id, command, actor);
  if (decided === null) return { kind: 'unknown' };
  return decided.allowed ? { kind: 'decided' } : { kind: 'refused', status: decided.status };
}

/** Writes the requests of one batch; doing it again does no harm. @returns a message for each request that is open */
export async function releaseBatch(db: Database, id: string, batch: Batch): Promise<WorkflowMessage[]> {
  const open = await inTransaction(db, (tx) => writeRequests(tx, id, batch));
  return open.map((paymentId) => ({ kind: 'start_retry', payment_id: paymentId, reason: 'manualRetry' }));
}

/** @returns the payments whose request is open */
async function writeRequests(tx: Transaction, id: string, { after, payments }: Batch): Promise<string[]> {
  const run = await lockRun(tx, id);
  if (run?.status !== 'running') return [];
  const selected = await paymentsOfBatch(tx, id, after, payments);
  const last = selected.at(-1);
  if (last === undefined) return [];
  const unreleased = selected.filter(({ position }) => position > run.released);
  const attempts = await requestsFor(
    tx,
    unreleased.map(({ payment_id: paymentId }) => paymentId),
  );
  const refusals = await refusalsNow(tx, attempts);
  const requests = attempts.map(({ payment }, at) => ({
    id: bulkRetryRequestId(id, payment.id),
    payment_id: payment.id,
    refusal: refusals[at] ?? null,
  }));
  const now = await databaseNow(tx);
  enqueueRequests(tx, run, requests, now);
  enqueueReleased(tx, id, Math.max(run.released, last.position), now);
  return paymentsOfOpenRequests(
    tx,
    selected.map(({ payment_id: paymentId }) => bulkRetryRequestId(id, paymentId)),
  );
}
