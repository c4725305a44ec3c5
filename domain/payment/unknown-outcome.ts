/**
 * When a provider is asked what became of an attempt that it has not settled, when an operator is, and what its not
 * finding it proves.
 *
 * Pure; safe for workflows. Invariants: an open attempt always has a next lookup; an unknown one is never given up by the
 * clock, only a customer who did not act is; what the provider once acknowledged is never taken as absent.
 */
import { isSettled, type AttemptStatus, type PaymentKind, type PaymentStatus } from './payment';

const minuteMs = 60_000;
const hourMs = 60 * minuteMs;
const dayMs = 24 * hourMs;

/** Milliseconds since the outcome became unknown, of the first lookups. */
export const lookupScheduleMs: readonly number[] = [1, 5, 15, 60, 6 * 60, 24 * 60].map(
  (minutes) => minutes * minuteMs,
);

/** After the schedule a lookup follows each day, for as long as the attempt is open. */
export const lookupEveryMs = dayMs;

/** Lookups that were missed are not made up for at one instant: what was found a moment ago is no second evidence. */
const leastGapMs = minuteMs;

/** An operator is asked about an attempt that is open for so long: a bank may take days, an answer of ours must not. */
export const operatorAskedAfterMs: Readonly<Record<Exclude<AttemptStatus, 'completed' | 'failed'>, number>> =
  {
    processing: dayMs,
    unknown: dayMs,
    requires_action: 3 * dayMs,
    pending: 3 * dayMs,
  };

/** "Never heard of it" counts from here on: before, the request may still be on its way. */
const absenceCountsFromMs = 5 * minuteMs;

/** A call that has just ended may still be on its way through the provider: real time, whatever clock a customer has. */
const callInTransitMs = minuteMs;

/** This many lookups in a row that find nothing, and count, prove that the attempt never arrived. */
const lookupsThatProve = 2;

export interface Lookup {
  /** Milliseconds since the epoch. */
  atMs: number;
  /** Whether "never heard of it" is evidence. */
  provesAbsence: boolean;
  /** The time given to the customer is over: afterwards the attempt is ended. */
  last: boolean;
}

/** How far a follow-up has got with its lookups, by the customer's time, milliseconds since the epoch. */
export interface LookupProgress {
  /** When the outcome became unknown. */
  unknownSinceMs: number;
  /** Made so far. */
  lookups: number;
  /** When the last one was made; left out, or null: none was, as far as is known. */
  lastLookupMs?: number | null;
  /** How long a first payment may wait for its customer. */
  incompleteHours: number;
  /** Instead of the schedule's first step. */
  firstLookupMs?: number;
}

/** Whether the lookups of the schedule are used up, so that one follows each day. */
export function isDaily({ lookups }: Pick<LookupProgress, 'lookups'>): boolean {
  return lookups >= lookupScheduleMs.length;
}

/** Milliseconds from the beginning of the schedule to the next lookup. */
function stepOf({ lookups, firstLookupMs }: LookupProgress): number {
  const first = lookups === 0 ? firstLookupMs : undefined;
  const lastMs = lookupScheduleMs.at(-1) ?? 0;
  const daily = lastMs + (lookups - lookupScheduleMs.length + 1) * lookupEveryMs;
  return first ?? lookupScheduleMs[lookups] ?? daily;
}

/** A payment whose attempt is open; `status` is the attempt's. */
interface OpenPayment {
  kind: PaymentKind;
  status: PaymentStatus;
  created_at: string;
  /** The money of its attempt is not wanted any more. */
  givenUp?: boolean;
  /** The provider was asked to cancel the attempt, and did not: it is asked again with each lookup. */
  cancelAsked?: boolean;
}

/** What decides when the open attempt of a payment is looked up. */
export function openPayment(
  payment: { kind: PaymentKind; created_at: string; given_up?: boolean; other_card?: boolean },
  { status, cancel_asked_at: asked = null }: { status: AttemptStatus; cancel_asked_at?: string | null },
): OpenPayment {
  const { kind, created_at, given_up: isUnwanted = false, other_card: hasOtherCard = false } = payment;
  return { kind, created_at, status, givenUp: isUnwanted || hasOtherCard, cancelAsked: asked !== null };
}

/** When the next lookup is due: there always is one. */
export function nextLookup(payment: OpenPayment, progress: LookupProgress): Lookup {
  const { unknownSinceMs, lastLookupMs = null } = progress;
  const { givenUp = false, cancelAsked = false } = payment;
  // Given up, it is cancelled now.
  if (givenUp && !cancelAsked && payment.status !== 'processing') {
    return { atMs: unknownSinceMs, provesAbsence: false, last: false };
  }
  const stepMs = stepOf(progress);
  const gapMs = isDaily(progress) ? lookupEveryMs : leastGapMs;
  const scheduledMs = unknownSinceMs + stepMs;
  const lookupMs = lastLookupMs === null ? scheduledMs : Math.max(scheduledMs, lastLookupMs + gapMs);
  const endMs = givenUp || cancelAsked ? null : endOf(payment, progress);
  if (endMs !== null && endMs <= lookupMs) return { atMs: endMs, provesAbsence: false, last: true };
  return { atMs: lookupMs, provesAbsence: stepMs >= absenceCountsFromMs, last: false };
}

/**
 * When a first payment that waits for its customer is given up; null: it is none. Without an answer of the provider it is
 * tried again each hour.
 */
function endOf(
  { kind, status, created_at }: OpenPayment,
  { incompleteHours, lastLookupMs = null }: LookupProgress,
): number | null {
  if (kind !== 'first' || (status !== 'pending' && status !== 'requires_action')) return null;
  const endMs = Date.parse(created_at) + incompleteHours * hourMs;
  return lastLookupMs !== null && lastLookupMs >= endMs ? lastLookupMs + hourMs : endMs;
}

/** Whether an operator is to look at an attempt, by how long its outcome is unknown. */
export function needsOperator(status: AttemptStatus, openForMs: number): boolean {
  return !isSettled(status) && openForMs >= operatorAskedAfterMs[status];
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
