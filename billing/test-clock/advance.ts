/**
 * What `test-clock/{id}` does, step by step: records an advance, and moves the clock from one due instant to the next.
 *
 * Invariants:
 * - The clock's row is the record.
 * - The clock moves only when none of its customers has work in progress, and announces in the same transaction what
 *   is due then.
 * - A step that is repeated continues from where the row is.
 */
import { createHash } from 'node:crypto';
import type { AdvanceClock } from '../../contracts/workflows/commands';
import type { WorkflowMessage } from '../../contracts/workflows/messages';
import { decideAdvance, nextStop, type AdvanceDecision, type TestClockStatus } from '../../domain/test-clock';
import { absenceCountsAtMs } from '../../domain/payment/unknown-outcome';
import { databaseNow, inTransaction, type Database, type Transaction } from '../../prisma/client';
import { sql } from '../../prisma/sql';
import { Prisma } from '../../prisma/generated/client';
import { findStuckWork, type StuckItem } from '../reconcile/stuck-work';
import { announceDueByClock } from '../renewal/publish-due';

/** Plain JSON. */
export interface ClockState {
  clock_id: string;
  now: string;
  status: TestClockStatus;
  target: string | null;
  steps: number;
  detail: string | null;
}

export type BegunAdvance =
  | { kind: 'begun' }
  | { kind: 'refused'; code: 'not_found'; detail: string }
  | Exclude<AdvanceDecision, { kind: 'advance' }>;

export interface ClockProgress {
  clock: ClockState;
  /** Changes whenever something has moved. */
  progress: string;
  /** Real time until which it is known why nothing moves; null: it is not. */
  wait_until: string | null;
  stall_ms: number;
}

type ClockRow = Prisma.TestClockGetPayload<object>;

/** Of each predicate; enough to see that something moves. */
const itemsLimit = 500;

/** Records the instant that the clock is to advance to, or refuses it. */
export async function beginAdvance(
  db: Database,
  clockId: string,
  { to }: AdvanceClock,
): Promise<BegunAdvance> {
  return inTransaction(db, async (tx) => {
    const row = await lockClock(tx, clockId);
    if (row.deleted_at !== null) {
      return { kind: 'refused', code: 'not_found', detail: 'There is no such test clock.' };
    }
    const decision = decideAdvance(toState(row), to);
    if (decision.kind === 'refused') return decision;
    await tx.testClock.update({
      where: { id: clockId },
      data: { status: 'advancing', target: new Date(to), steps: 0, detail: null },
    });
    return { kind: 'begun' };
  });
}

/** What one step of an advance came to. */
export interface ClockStep {
  /** `ended`: the clock does not advance any more; `waits`: work is in progress. */
  kind: 'ended' | 'moved' | 'waits';
  /** What the clock waits for. */
  waitsFor: readonly StuckItem[];
}

/** Announces what is due, and moves the clock to its next stop unless work is in progress. */
export async function stepClock(db: Database, clockId: string): Promise<ClockStep> {
  const row = await db.testClock.findUniqueOrThrow({ where: { id: clockId } });
  if (row.status !== 'advancing') return { kind: 'ended', waitsFor: [] };
  await announce(db, row);
  const waitsFor = await findStuckWork(db, { toleranceMs: 0, testClockId: clockId, limit: itemsLimit });
  if (waitsFor.length > 0) return { kind: 'waits', waitsFor };
  await moveToNextStop(db, row);
  return { kind: 'moved', waitsFor };
}

/**
 * Records what an advance waits for, and reports how far it is.
 * @param stallMs real time without progress after which the advance has failed
 */
export async function reportProgress(
  db: Database,
  clockId: string,
  stallMs: number,
  { waitsFor }: ClockStep,
): Promise<ClockProgress> {
  const row = await noteDetail(db, clockId, waitsFor);
  const seen = JSON.stringify([row.now, row.steps, waitsFor]);
  return {
    clock: toState(row),
    progress: createHash('sha256').update(seen).digest('base64url'),
    wait_until: waitsFor.length === 0 ? null : await waitUntil(db, row.id),
    stall_ms: stallMs,
  };
}

/** Gives an advance up; it may be requested again. */
export async function failAdvance(db: Database, clockId: string): Promise<ClockState> {
  await db.testClock.updateMany({ where: { id: clockId, status: 'advancing' }, data: { status: 'failed' } });
  return toState(await db.testClock.findUniqueOrThrow({ where: { id: clockId } }));
}

async function announce(db: Database, clock: ClockRow): Promise<void> {
  await inTransaction(db, async (tx) => announceDueByClock(tx, clock.id, clock.now, await databaseNow(tx)));
}

/** Moves the clock to the next due instant or to its target, or ends the advance there. */
async function moveToNextStop(db: Database, seen: ClockRow): Promise<void> {
  await inTransaction(db, async (tx) => {
    const { now, target, status } = await lockClock(tx, seen.id);
    // Another execution moved or ended it meanwhile.
    if (status !== 'advancing' || target === null || now.getTime() !== seen.now.getTime()) return;
    if (now >= target) {
      await write(tx, seen.id, { status: 'ready', target: null, detail: null });
      return;
    }
    const { at, due } = nextStop({ now, target }, await nextDueAt(tx, seen.id));
    await write(tx, seen.id, { now: at, detail: null, ...(due && { steps: { increment: 1 } }) });
    await announceDueByClock(tx, seen.id, at, await databaseNow(tx));
  });
}

/** Whether a plan for a failed payment holds; `s` is its subscription, if it has one. Who resumes it says so. */
const isRetrying = Prisma.sql`(s.id IS NULL OR s.status NOT IN ('cancelled', 'expired', 'paused'))`;

/**
 * When something of the clock's customers is due next: renewals and their like, questions about open payments, retries,
 * reminders.
 */
async function nextDueAt(tx: Transaction, clockId: string): Promise<Date | null> {
  const [next] = await sql(tx).query<[{ at: Date | null }]>`
    SELECT min(at) AS at FROM (
      SELECT min(next_due_at) AS at FROM subscriptions WHERE test_clock_id = ${clockId}
      UNION ALL
      SELECT min(a.next_question_at) FROM payment_attempts a
        JOIN payments p ON p.id = a.payment_id JOIN customers c ON c.id = p.customer_id
        WHERE c.test_clock_id = ${clockId} AND a.settled_at IS NULL
      UNION ALL
      SELECT min(r.at) FROM retry_plans r
        JOIN payments p ON p.id = r.payment_id JOIN customers c ON c.id = p.customer_id
        JOIN test_clocks k ON k.id = c.test_clock_id LEFT JOIN subscriptions s ON s.id = p.subscription_id
        WHERE k.id = ${clockId} AND p.status = 'failed' AND r.at > k.now AND ${isRetrying}
          AND r.sequence = (SELECT max(l.sequence) FROM retry_plans l WHERE l.payment_id = r.payment_id)
      UNION ALL
      SELECT min(p.next_notice_at) FROM payments p JOIN customers c ON c.id = p.customer_id
        JOIN test_clocks k ON k.id = c.test_clock_id
        WHERE k.id = ${clockId} AND p.status = 'failed' AND p.next_notice_at > k.now
    ) AS instants`;
  return next.at;
}

/** Messages to the payments and retries that wait by the clock and whose instant has come. */
export async function dueMessages(db: Database, clockId: string): Promise<WorkflowMessage[]> {
  const lookups = await sql(db).query<{ payment_id: string; now: Date }[]>`
    SELECT DISTINCT a.payment_id, k.now FROM test_clocks k
      JOIN customers c ON c.test_clock_id = k.id JOIN payments p ON p.customer_id = c.id
      JOIN payment_attempts a ON a.payment_id = p.id
      WHERE k.id = ${clockId} AND a.settled_at IS NULL AND a.next_question_at <= k.now`;
  const retries = await sql(db).query<{ payment_id: string }[]>`
    SELECT r.payment_id FROM retry_plans r
      JOIN payments p ON p.id = r.payment_id JOIN customers c ON c.id = p.customer_id
      JOIN test_clocks k ON k.id = c.test_clock_id LEFT JOIN subscriptions s ON s.id = p.subscription_id
      WHERE k.id = ${clockId} AND p.status = 'failed' AND r.at <= k.now AND ${isRetrying}
        AND r.final_action IS DISTINCT FROM 'leave_past_due'
        AND r.sequence = (SELECT max(l.sequence) FROM retry_plans l WHERE l.payment_id = r.payment_id)
    UNION
    SELECT p.id FROM payments p JOIN customers c ON c.id = p.customer_id
      JOIN test_clocks k ON k.id = c.test_clock_id
      WHERE k.id = ${clockId} AND p.status = 'failed' AND p.next_notice_at <= k.now`;
  return [
    ...lookups.map(({ payment_id, now }) => {
      const payload = { now: now.toISOString() };
      return { kind: 'advance_payment_clock', payment_id, payload } as const;
    }),
    ...retries.map(
      ({ payment_id }) => ({ kind: 'start_retry', payment_id, reason: 'clockAdvanced' }) as const,
    ),
  ];
}

/** @throws Error when there is no such clock */
async function lockClock(tx: Transaction, clockId: string): Promise<ClockRow> {
  await sql(tx).query`SELECT 1 FROM test_clocks WHERE id = ${clockId} FOR UPDATE`;
  return tx.testClock.findUniqueOrThrow({ where: { id: clockId } });
}

async function write(tx: Transaction, id: string, data: Prisma.TestClockUpdateInput): Promise<void> {
  await tx.testClock.update({ where: { id }, data });
}

async function noteDetail(db: Database, clockId: string, waitsFor: readonly StuckItem[]): Promise<ClockRow> {
  await db.testClock.updateMany({
    where: { id: clockId, status: 'advancing' },
    data: { detail: described(waitsFor) },
  });
  return db.testClock.findUniqueOrThrow({ where: { id: clockId } });
}

/** A call may be repeated, or may still be on its way at the provider: both are over some time after the last one. */
async function waitUntil(db: Database, clockId: string): Promise<string | null> {
  const [last] = await sql(db).query<[{ at: Date | null }]>`
    SELECT max(coalesce(a.last_call_ended_at, a.started_at)) AS at FROM payment_attempts a
      JOIN payments p ON p.id = a.payment_id JOIN customers c ON c.id = p.customer_id
      JOIN test_clocks k ON k.id = c.test_clock_id
      WHERE k.id = ${clockId} AND a.settled_at IS NULL
        AND (a.status = 'processing' OR a.next_question_at <= k.now)`;
  return last.at === null ? null : new Date(absenceCountsAtMs(last.at.getTime())).toISOString();
}

const named = 5;

/** For people: what, and of whom. */
function described(waitsFor: readonly StuckItem[]): string | null {
  if (waitsFor.length === 0) return null;
  const names = waitsFor.slice(0, named).map(({ predicate, subject }) => `${predicate} (${subject.id})`);
  const more = waitsFor.length - named;
  return `waits for ${names.join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
}

function toState(row: ClockRow): ClockState {
  return {
    clock_id: row.id,
    now: row.now.toISOString(),
    status: row.status as TestClockStatus,
    target: row.target?.toISOString() ?? null,
    steps: row.steps,
    detail: row.detail,
  };
}
