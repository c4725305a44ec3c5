/**
 * What a renewal run does with its members: who may be renewed now, who is tried again, and what is given up. Pure; safe
 * for workflows.
 *
 * Invariants: a member that failed is tried again on its own, and holds up nobody; time in which a part was unavailable
 * for everybody counts for nothing; a member that fails while it was not, keeps its run for 15 minutes at most; a run
 * gives a member up, the reconciliation does not.
 */
import type { TraceContext } from '../trace';

/** A subscription that is due, as its record said. */
export interface RenewalMember {
  subscription_id: string;
  due_at: string;
  /** Its customer has a test clock, which no pause of renewals stops. */
  by_clock: boolean;
  /** Of the record. */
  trace?: TraceContext;
}

export const renewalOutcomes = [
  'renewed',
  'declined',
  'open',
  'trial_begun',
  'past_due',
  'resumed',
  'ended',
  'nothing',
  'not_renewed',
] as const;
/**
 * What became of a member. `open`: its payment has no clear answer yet. `nothing`: it was not due any more.
 * `not_renewed`: it failed, and the run has given it up.
 */
export type RenewalOutcome = (typeof renewalOutcomes)[number];

/** A member that is done. */
export interface RenewedMember {
  subscription_id: string;
  outcome: RenewalOutcome;
  payment_id: string | null;
}

/** A member that could not be renewed now. `never`: the same again would fail again. */
export interface FailedMember {
  subscription_id: string;
  reason: 'unavailable' | 'fault' | 'never';
  /** The kind of the failure: a name, an SQLSTATE. */
  detail: string;
}

/** A member that waits for its instant. */
export interface EarlyMember {
  subscription_id: string;
  wait_ms: number;
}

/** What became of a slice. A member that is in none of the lists was not begun. */
export interface RenewedSlice {
  /** An operator has paused renewals: nobody without a test clock was begun. */
  paused: boolean;
  /** PostgreSQL or Temporal was unavailable at its end, for whoever asked. */
  outage: boolean;
  done: RenewedMember[];
  failed: FailedMember[];
  early: EarlyMember[];
}

/** A member that is not done. */
export interface WaitingMember {
  member: RenewalMember;
  /** Not before this instant, milliseconds. */
  atMs: number;
  backOffMs: number;
  /** Since when it fails although every part is available; null: it does not. */
  failingSinceMs: number | null;
}

/** So long a member is tried again that fails although every part is available. */
export const triedForMs = 15 * 60_000;
/** Who is not begun because of a pause looks again after it. */
const pauseLookMs = 20_000;
const firstBackOffMs = 1_000;
const longestBackOffMs = 60_000;

export function waitingMember(member: RenewalMember, nowMs: number): WaitingMember {
  return { member, atMs: nowMs, backOffMs: firstBackOffMs, failingSinceMs: null };
}

/**
 * Decides what a slice leaves to do.
 * @param slice the members that it was given
 * @returns those that are to be tried again, and those that are given up
 */
export function afterSlice(
  slice: readonly WaitingMember[],
  { paused, outage, done, failed, early }: RenewedSlice,
  nowMs: number,
): { again: WaitingMember[]; givenUp: FailedMember[] } {
  const isDone = new Set(done.map(({ subscription_id: id }) => id));
  const failures = new Map(failed.map((failure) => [failure.subscription_id, failure]));
  const waits = new Map(early.map(({ subscription_id: id, wait_ms: waitMs }) => [id, waitMs]));
  const again: WaitingMember[] = [];
  const givenUp: FailedMember[] = [];
  for (const waiting of slice) {
    const id = waiting.member.subscription_id;
    if (isDone.has(id)) continue;
    const failure = failures.get(id);
    if (failure === undefined) {
      const waitMs = waits.get(id) ?? (paused && !waiting.member.by_clock ? pauseLookMs : 0);
      again.push({ ...waitingMember(waiting.member, nowMs), atMs: nowMs + waitMs });
      continue;
    }
    // What is unavailable for one member while the others are renewed is the member's own.
    const isOutage = outage && failure.reason === 'unavailable' && done.length === 0;
    const failingSinceMs = isOutage ? null : (waiting.failingSinceMs ?? nowMs);
    const isLasting = failingSinceMs !== null && nowMs - failingSinceMs >= triedForMs;
    if (failure.reason === 'never' || isLasting) givenUp.push(failure);
    else {
      const { backOffMs } = waiting;
      const longerMs = Math.min(backOffMs * 2, longestBackOffMs);
      again.push({ ...waiting, atMs: nowMs + backOffMs, backOffMs: longerMs, failingSinceMs });
    }
  }
  return { again, givenUp };
}

export const renewalRunStatuses = ['running', 'paused', 'finished', 'lost'] as const;
/** `paused`: it waits for the end of a pause. `lost`: nothing was seen of it for an hour. */
export type RenewalRunStatus = (typeof renewalRunStatuses)[number];

/** How far a run is. */
export interface RenewalRunProgress {
  counts: Partial<Record<RenewalOutcome, number>>;
  /** Who was not renewed, and why; bounded. */
  exceptions: FailedMember[];
}

/** So many exceptions a run shows; the counts have all. */
const mostExceptions = 50;

/** Adds what a slice has come to. */
export function addSlice(
  { counts, exceptions }: RenewalRunProgress,
  done: readonly RenewedMember[],
  givenUp: readonly FailedMember[],
): RenewalRunProgress {
  const sums = { ...counts };
  for (const { outcome } of done) sums[outcome] = (sums[outcome] ?? 0) + 1;
  if (givenUp.length > 0) sums.not_renewed = (sums.not_renewed ?? 0) + givenUp.length;
  return { counts: sums, exceptions: [...exceptions, ...givenUp].slice(0, mostExceptions) };
}
