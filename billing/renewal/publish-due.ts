/**
 * Publishes what is due on subscriptions.renew_required: one batch of one shard, in due order.
 *
 * Invariants:
 * - A version of a subscription is published once: its mark and its event are one transaction.
 * - PostgreSQL's clock decides what is due; customers with a test clock are left to their clock (unmetered).
 * - Nothing is published faster than the rate allows.
 */
import { databaseNow, inTransaction, type Database, type Transaction } from '../../prisma/client';
import { appendAllToOutbox, appendToOutbox } from '../outbox';
import type { SubscriptionRow } from '../rows';
import { renewRequired } from '../subscription/events';
import { isPaused, lockDue, lockDueByClock, markAnnounced, nextDueAt } from './store';

export interface Schedule {
  /** Announcements a second, over all shards; 0: no limit. */
  renewalsPerSecond: number;
  shards: number;
  /** The longest pause between two looks. */
  tickMs: number;
}

export interface PublishedBatch {
  /** An operator has paused it: nothing is announced. */
  paused: boolean;
  published: number;
  /** How late the oldest of the batch was, milliseconds; 0 when nothing was due. */
  late_ms: number;
  /** When something is due next; null: nothing is, as far as is known. */
  next_due_at: string | null;
  /** When to look again. */
  wait_ms: number;
}

/** Bound of one batch: one transaction, held for a fraction of a second. */
const batchSize = 500;

export async function publishDue(db: Database, schedule: Schedule, shard: number): Promise<PublishedBatch> {
  const rate = schedule.renewalsPerSecond / schedule.shards;
  const limit = rate === 0 ? batchSize : Math.min(batchSize, Math.max(1, Math.floor(rate)));
  return inTransaction(db, async (tx) => {
    const now = await databaseNow(tx);
    if (await isPaused(tx)) {
      return { paused: true, published: 0, late_ms: 0, next_due_at: null, wait_ms: schedule.tickMs };
    }
    const place = { shard, shards: schedule.shards };
    const rows = await markAnnounced(tx, await lockDue(tx, place, limit, now));
    announceAll(tx, rows, now);
    const oldest = rows[0]?.next_due_at ?? now;
    const next = await nextDueAt(tx, place);
    const untilDueMs = next === null ? schedule.tickMs : next.getTime() - now.getTime();
    const meteredMs = rate === 0 ? 0 : Math.ceil((rows.length * 1_000) / rate);
    return {
      paused: false,
      published: rows.length,
      late_ms: now.getTime() - oldest.getTime(),
      next_due_at: next?.toISOString() ?? null,
      wait_ms: Math.max(meteredMs, Math.min(schedule.tickMs, untilDueMs)),
    };
  });
}

/** Publishes what is due by a test clock and was not published. Its customers are few: all of it at once. */
export async function announceDueByClock(
  tx: Transaction,
  testClockId: string,
  now: Date,
  realNow: Date,
): Promise<void> {
  const due = await lockDueByClock(tx, testClockId, now);
  announceAll(tx, await markAnnounced(tx, due), realNow);
}

function announceAll(tx: Transaction, rows: readonly SubscriptionRow[], realNow: Date): void {
  const events = rows.map((row) => renewRequired(row, 0)).filter((event) => event !== null);
  appendAllToOutbox(tx, events, realNow);
}

/** Publishes once more that the version of a subscription is due. @param repeat how often it was published before */
export function announceDueAgain(tx: Transaction, row: SubscriptionRow, realNow: Date, repeat: number): void {
  const event = renewRequired(row, repeat);
  if (event !== null) appendToOutbox(tx, event, realNow);
}
