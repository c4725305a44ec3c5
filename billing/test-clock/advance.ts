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
import { databaseNow, inTransaction, type Database } from '../../prisma/client';
import { lockTestClock } from '../locks';
import type { TestClockRow } from '../rows';
import type { StuckItem } from '../reconcile/predicate';
import { findStuckWork } from '../reconcile/stuck-work';
import { announceDueByClock } from '../renewal/publish-due';
import {
  enqueueAdvance,
  enqueueArrival,
  enqueueMove,
  findClock,
  lastCallAt,
  markFailed,
  nextDueAt,
  paymentsWithDueLookup,
  paymentsWithDueRetry,
  writeDetail,
} from './store';

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

/** Of each predicate; enough to see that something moves. */
const itemsLimit = 500;

/** Records the instant that the clock is to advance to, or refuses it. */
export async function beginAdvance(
  db: Database,
  clockId: string,
  { to }: AdvanceClock,
): Promise<BegunAdvance> {
  return inTransaction(db, async (tx) => {
    const row = await lockTestClock(tx, clockId);
    if (row === null || row.deleted_at !== null) {
      return { kind: 'refused', code: 'not_found', detail: 'There is no such test clock.' };
    }
    const decision = decideAdvance(toState(row), to);
    if (decision.kind === 'refused') return decision;
    enqueueAdvance(tx, clockId, new Date(to));
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
  const row = await findClock(db, clockId);
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
  await writeDetail(db, clockId, described(waitsFor));
  const row = await findClock(db, clockId);
  const seen = JSON.stringify([row.now, row.steps, waitsFor]);
  return {
    clock: toState(row),
    progress: createHash('sha256').update(seen).digest('base64url'),
    wait_until: waitsFor.length === 0 ? null : await waitUntil(db, clockId),
    stall_ms: stallMs,
  };
}

/** Gives an advance up; it may be requested again. @param detail why; null: what it waits for */
export async function failAdvance(
  db: Database,
  clockId: string,
  detail: string | null = null,
): Promise<ClockState> {
  await markFailed(db, clockId, detail);
  return toState(await findClock(db, clockId));
}

async function announce(db: Database, clock: TestClockRow): Promise<void> {
  await inTransaction(db, async (tx) => announceDueByClock(tx, clock.id, clock.now, await databaseNow(tx)));
}

/** Moves the clock to the next due instant or to its target, or ends the advance there. */
async function moveToNextStop(db: Database, seen: TestClockRow): Promise<void> {
  await inTransaction(db, async (tx) => {
    const row = await lockTestClock(tx, seen.id);
    // Another execution moved or ended it meanwhile.
    if (row?.status !== 'advancing' || row.target === null || row.now.getTime() !== seen.now.getTime())
      return;
    const { now, target } = row;
    if (now >= target) {
      enqueueArrival(tx, seen.id);
      return;
    }
    const { at, due } = nextStop({ now, target }, await nextDueAt(tx, seen.id));
    enqueueMove(tx, seen.id, at, due ? 1 : 0);
    await announceDueByClock(tx, seen.id, at, await databaseNow(tx));
  });
}

/** Messages to the payments and retries that wait by the clock and whose instant has come. */
export async function dueMessages(db: Database, clockId: string): Promise<WorkflowMessage[]> {
  const lookups = await paymentsWithDueLookup(db, clockId);
  const retries = await paymentsWithDueRetry(db, clockId);
  return [
    ...lookups.map(({ payment_id, now }) => {
      const payload = { now: now.toISOString() };
      return { kind: 'advance_payment_clock', payment_id, payload } as const;
    }),
    ...retries.map((payment_id) => ({ kind: 'start_retry', payment_id, reason: 'clockAdvanced' }) as const),
  ];
}

/** A call may be repeated, or may still be in flight: both are over some time after the last one. */
async function waitUntil(db: Database, clockId: string): Promise<string | null> {
  const at = await lastCallAt(db, clockId);
  return at === null ? null : new Date(absenceCountsAtMs(at.getTime())).toISOString();
}

const named = 5;

/** Names what the clock waits for, and the subjects. */
function described(waitsFor: readonly StuckItem[]): string | null {
  if (waitsFor.length === 0) return null;
  const names = waitsFor.slice(0, named).map(({ predicate, subject }) => `${predicate} (${subject.id})`);
  const more = waitsFor.length - named;
  return `waits for ${names.join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
}

function toState(row: TestClockRow): ClockState {
  return {
    clock_id: row.id,
    now: row.now.toISOString(),
    status: row.status,
    target: row.target?.toISOString() ?? null,
    steps: row.steps,
    detail: row.detail,
  };
}
