/**
 * How a test clock may be moved, and where it stops on its way. Pure; safe for workflows.
 *
 * Invariants: a clock never goes back; it goes one advance at a time, from one due instant to the next.
 */

export const testClockStatuses = ['ready', 'advancing', 'failed'] as const;
/** `failed`: something did not come to rest in time; what, is in the clock's detail. It can be advanced again. */
export type TestClockStatus = (typeof testClockStatuses)[number];

/** The longest way of one advance. */
export const maxAdvanceYears = 2;

export interface ClockFacts {
  now: string;
  status: TestClockStatus;
}

export type AdvanceDecision =
  | { kind: 'advance' }
  | { kind: 'refused'; code: 'test_clock_advancing'; detail: string }
  /** `reason`: the field that is wrong. */
  | { kind: 'refused'; code: 'validation_failed'; detail: string; reason: 'to' };

/** @param to RFC 3339; the clock's own `now` is allowed: it waits until everything has come to rest */
export function decideAdvance(clock: ClockFacts, to: string): AdvanceDecision {
  if (clock.status === 'advancing') {
    return { kind: 'refused', code: 'test_clock_advancing', detail: 'The clock is on its way already.' };
  }
  if (Date.parse(to) < Date.parse(clock.now)) {
    return unfit(`must not lie before the clock’s own time, ${clock.now}`);
  }
  const latest = new Date(clock.now);
  latest.setUTCFullYear(latest.getUTCFullYear() + maxAdvanceYears);
  if (Date.parse(to) > latest.getTime()) {
    return unfit(`must be at most ${maxAdvanceYears} years ahead of the clock’s own time, ${clock.now}`);
  }
  return { kind: 'advance' };
}

function unfit(detail: string): AdvanceDecision {
  return { kind: 'refused', code: 'validation_failed', detail, reason: 'to' };
}

/**
 * Where the clock goes next: the first due instant that lies ahead, else its target.
 * @param dueAt when something of its customers is due; null: nothing is
 */
export function nextStop(clock: { now: Date; target: Date }, dueAt: Date | null): { at: Date; due: boolean } {
  if (dueAt === null || dueAt > clock.target) return { at: clock.target, due: false };
  return { at: dueAt < clock.now ? clock.now : dueAt, due: true };
}
