/**
 * What is due now, said on subscriptions.renew_required: one batch of one shard, in due order.
 *
 * Invariants: a version of a subscription is announced once (its mark and its event are one transaction); due is what
 * PostgreSQL's clock says; customers with a test clock are passed over, their clock speaks for them (unmetered); never
 * faster than the rate allows.
 */
import type { NewEvent } from '../../contracts/topics/envelope';
import { nextDue } from '../../domain/subscription/due';
import { renewRequiredEventId } from '../../domain/event-ids';
import { databaseNow, inTransaction, type Database, type Transaction } from '../../prisma/client';
import { sql } from '../../prisma/sql';
import type { Prisma } from '../../prisma/generated/client';
import { appendAllToOutbox, appendToOutbox } from '../outbox';
import { toFacts } from '../rows';

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
    if ((await tx.renewalPause.count()) > 0) {
      return { paused: true, published: 0, late_ms: 0, next_due_at: null, wait_ms: schedule.tickMs };
    }
    const rows = await dueRows(tx, schedule.shards, shard, limit, now);
    await announceAll(tx, rows, now);
    const oldest = rows[0]?.next_due_at ?? now;
    const next = await nextDueAt(tx, schedule.shards, shard);
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

type SubscriptionRow = Prisma.SubscriptionGetPayload<object>;

async function dueRows(
  tx: Transaction,
  shards: number,
  shard: number,
  limit: number,
  now: Date,
): Promise<SubscriptionRow[]> {
  const due = await sql(tx).query<{ id: string }[]>`
    SELECT id FROM subscriptions
    WHERE next_due_at <= ${now} AND announced_version IS DISTINCT FROM version AND test_clock_id IS NULL
      AND mod(abs(hashtextextended(id, 0)), ${shards}) = ${shard}
    ORDER BY next_due_at, id LIMIT ${limit}
    FOR UPDATE SKIP LOCKED`;
  return markAnnounced(tx, due);
}

/** Their present versions count as announced from now on. @param due locked rows */
async function markAnnounced(tx: Transaction, due: readonly { id: string }[]): Promise<SubscriptionRow[]> {
  if (due.length === 0) return [];
  const rows = await tx.subscription.findMany({
    where: { id: { in: due.map(({ id }) => id) } },
    orderBy: [{ next_due_at: 'asc' }, { id: 'asc' }],
  });
  await sql(tx).execute`
    UPDATE subscriptions SET announced_version = version WHERE id = ANY(${due.map(({ id }) => id)})`;
  return rows;
}

async function nextDueAt(tx: Transaction, shards: number, shard: number): Promise<Date | null> {
  const [next] = await sql(tx).query<{ at: Date | null }[]>`
    SELECT next_due_at AS at FROM subscriptions
    WHERE next_due_at IS NOT NULL AND announced_version IS DISTINCT FROM version AND test_clock_id IS NULL
      AND mod(abs(hashtextextended(id, 0)), ${shards}) = ${shard}
    ORDER BY next_due_at, id LIMIT 1`;
  return next?.at ?? null;
}

/** Says what is due by a test clock and was not said. Its customers are few: all of it at once. */
export async function announceDueByClock(
  tx: Transaction,
  testClockId: string,
  now: Date,
  realNow: Date,
): Promise<void> {
  const due = await sql(tx).query<{ id: string }[]>`
    SELECT id FROM subscriptions
    WHERE test_clock_id = ${testClockId} AND next_due_at <= ${now} AND announced_version IS DISTINCT FROM version
    ORDER BY next_due_at, id
    FOR UPDATE SKIP LOCKED`;
  await announceAll(tx, await markAnnounced(tx, due), realNow);
}

async function announceAll(tx: Transaction, rows: readonly SubscriptionRow[], realNow: Date): Promise<void> {
  const events = rows.map((row) => renewRequired(row, 0)).filter((event) => event !== null);
  appendAllToOutbox(tx, events, realNow);
}

/** Says once more that the version of a subscription is due. @param repeat how often it was said before */
export async function announceDueAgain(
  tx: Transaction,
  row: SubscriptionRow,
  realNow: Date,
  repeat: number,
): Promise<void> {
  const event = renewRequired(row, repeat);
  if (event !== null) appendToOutbox(tx, event, realNow);
}

/** Null when nothing of it is due. */
function renewRequired(
  row: SubscriptionRow,
  repeat: number,
): NewEvent<'subscriptions.renew_required'> | null {
  const due = nextDue(toFacts(row));
  if (due === null) return null;
  return {
    topic: 'subscriptions.renew_required',
    id: renewRequiredEventId(row.id, due.period_index, row.version, repeat),
    source: '/retry-service',
    subject: row.id,
    key: row.id,
    data: {
      subscription_id: row.id,
      customer_id: row.customer_id,
      period_index: due.period_index,
      due_at: due.at,
      cause: due.cause,
    },
  };
}
