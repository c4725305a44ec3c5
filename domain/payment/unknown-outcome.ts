/**
 * When a provider is asked what became of an attempt that it has not settled. Pure; safe for workflows.
 *
 * Invariant: an unknown attempt is never given up by the clock; only a customer who did not act is.
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
export const settleBeforeLookupMs = minuteMs;

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
}

/** @returns null when nothing is left to ask: only a webhook or a person can tell */
export function nextLookup(
  payment: { kind: PaymentKind; status: PaymentStatus; created_at: string },
  progress: LookupProgress,
): Lookup | null {
  const stepMs = lookupScheduleMs[progress.lookups];
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
