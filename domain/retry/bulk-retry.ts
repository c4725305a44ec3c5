/**
 * Bulk retries: what an operator may do with one, how fast it goes, how far it is.
 *
 * Does not own which payments may be tried (`retry-refusal.ts`). Pure; safe for workflows.
 */
import type { RetryRefusal } from './refusal';

export const bulkRetryStatuses = ['previewed', 'running', 'paused', 'completed', 'cancelled'] as const;
export type BulkRetryStatus = (typeof bulkRetryStatuses)[number];

export const bulkRetryCommands = ['pause', 'resume', 'cancel'] as const;
export type BulkRetryCommand = (typeof bulkRetryCommands)[number];

/** Why a payment that the filter selects would not be tried: another run that is not over has it already. */
export type BulkRefusal = RetryRefusal | 'in_bulk_retry';

export const defaultRatePerSecond = 10;
export const maxRatePerSecond = 500;
/** Payments of one bulk retry. */
export const maxSelected = 100_000;

/** Payments of one batch: a transaction and as many signals. */
const maxBatch = 50;

/** Nothing more comes of it. */
export function isOver(status: BulkRetryStatus): boolean {
  return status === 'previewed' || status === 'completed' || status === 'cancelled';
}

/** The status that a command leads to, the same one where it was carried out before; null: it is refused. */
export function statusAfter(status: BulkRetryStatus, command: BulkRetryCommand): BulkRetryStatus | null {
  const wanted = ({ pause: 'paused', resume: 'running', cancel: 'cancelled' } as const)[command];
  return status === wanted || !isOver(status) ? wanted : null;
}

/** Whether a filter lets everything through. */
export function isUnbounded(filter: Readonly<Record<string, unknown>>): boolean {
  return Object.values(filter).every((bound) => bound === undefined);
}

/** Batches of so many payments, and how long each has at least. */
export function paceOf(ratePerSecond: number): { batch: number; everyMs: number } {
  const batch = Math.min(maxBatch, ratePerSecond);
  return { batch, everyMs: (batch * 1_000) / ratePerSecond };
}

export interface BulkRetryProgress {
  /** Payments that were selected. */
  total: number;
  attempted: number;
  refused: number;
  /** Not yet handed over, or waiting for their turn. */
  remaining: number;
}

export function progressOf(
  total: number,
  settled: { attempted: number; refused: number },
): BulkRetryProgress {
  const { attempted, refused } = settled;
  return { total, attempted, refused, remaining: total - attempted - refused };
}
