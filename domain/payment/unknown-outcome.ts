/**
 * When a provider is asked what became of an attempt that it has not settled, and what its not finding it proves.
 *
 * Pure; safe for workflows. Invariants: an unknown attempt is never given up by the clock, only a customer who did not
 * act is; what the provider once acknowledged is never taken as absent.
 */
import type { PaymentKind, PaymentStatus } from './payment';

const minuteMs = 60_000;
const hourMs = 60 * minuteMs;

/** Milliseconds since the outcome became unknown; after the last one a person is asked. */
export const lookupScheduleMs: readonly number[] = [1, 5, 15, 60, 6 * 60, 24 * 60].map(
  (minutes) => minutes * minuteMs,
);

/** "Never heard of it" counts from here on: before, the request may still be on its way. */
const absenceCountsFromMs = 5 * minuteMs;

/** A call that has just ended may still be on its way through the provider: real time, whatever clock a customer has. */
const callInTransitMs = minuteMs;

/** This many lookups in a row that find nothing, and count, prove that the attempt never arrived. */
const lookupsThatProve = 2;

/** Where it is read that an open attempt is not asked about any more: no clock gets there. */
export const lookupsEndAt = '9999-12-31T00:00:00.000Z';

export interface Lookup {
  /** Milliseconds since the epoch. */
  atMs: number;
  /** Whether "never heard of it" is evidence. */
  provesAbsence: boolean;
  /** The time given to the customer is over: afterwards the attempt is ended. */
  last: boolean;
}

/** How far a follow-up has got with its questions. */
export interface LookupProgress {
  /** When the outcome became unknown, by the customer's time, milliseconds since the epoch. */
  unknownSinceMs: number;
  /** Made so far. */
  lookups: number;
  /** How long a first payment may wait for its customer. */
  incompleteHours: number;
  /** Instead of the schedule's first step. */
  firstLookupMs?: number;
}

function stepOf({ lookups, firstLookupMs }: LookupProgress): number | undefined {
  return (lookups === 0 ? firstLookupMs : undefined) ?? lookupScheduleMs[lookups];
}

/** @returns null when nothing is left to ask: only a webhook or a person can tell */
export function nextLookup(
  payment: { kind: PaymentKind; status: PaymentStatus; created_at: string },
  progress: LookupProgress,
): Lookup | null {
  const stepMs = stepOf(progress);
  const waitsForCustomer = payment.status === 'pending' || payment.status === 'requires_action';
  const endMs =
    waitsForCustomer && payment.kind === 'first'
      ? Date.parse(payment.created_at) + progress.incompleteHours * hourMs
      : null;
  const lookupMs = stepMs === undefined ? null : progress.unknownSinceMs + stepMs;
  if (endMs !== null && (lookupMs === null || endMs <= lookupMs)) {
    return { atMs: endMs, provesAbsence: false, last: true };
  }
  if (lookupMs === null) return null;
  return { atMs: lookupMs, provesAbsence: (stepMs ?? 0) >= absenceCountsFromMs, last: false };
}

/**
 * Real time from which on a lookup that finds nothing is evidence, milliseconds since the epoch.
 * @param lastCallMs when the attempt's last call ended
 */
export function absenceCountsAtMs(lastCallMs: number): number {
  return lastCallMs + callInTransitMs;
}

/** A lookup that found nothing, with what decides whether it is evidence. */
export interface NotFoundFacts {
  /** Whether the step of the schedule counts ({@link Lookup}). */
  provesAbsence: boolean;
  /** Real time, milliseconds since the epoch. */
  nowMs: number;
  /** When the attempt's last call ended, milliseconds since the epoch. */
  lastCallMs: number;
  /** Whether the provider ever named the attempt: by a reference, or with another amount. */
  acknowledged: boolean;
  /** Lookups in a row before this one that found nothing and count. */
  notFoundBefore: number;
}

/**
 * Decides what a lookup that found nothing proves.
 * @returns how many in a row count from now on, and whether they prove that the attempt never arrived
 */
export function decideNotFound(facts: NotFoundFacts): { notFound: number; conclusive: boolean } {
  const { provesAbsence, nowMs, lastCallMs, acknowledged, notFoundBefore } = facts;
  // What the provider once acknowledged did arrive, whatever its records say later.
  const counts = provesAbsence && nowMs >= absenceCountsAtMs(lastCallMs) && !acknowledged;
  if (!counts) return { notFound: notFoundBefore, conclusive: false };
  const notFound = notFoundBefore + 1;
  return { notFound, conclusive: notFound >= lookupsThatProve };
}
