/**
 * Period boundaries: anchor + n intervals in the subscription's time zone, from the anchor each time.
 *
 * Owns: every computation of a calendar date. Not for workflows: time-zone data changes with the runtime, and a
 * workflow that computed dates would stop replaying. Rule (TC39 Temporal): days beyond a month's end are
 * clamped, a local time in a gap moves forward, in an overlap the first one counts (`compatible`).
 */
import { Temporal } from 'temporal-polyfill';

export const intervalUnits = ['day', 'week', 'month', 'year'] as const;
export type IntervalUnit = (typeof intervalUnits)[number];
export interface Interval {
  unit: IntervalUnit;
  count: number;
}

/** Longest interval, so that a boundary always stays within the calendar: 10 years. */
export const maxIntervalCount: Readonly<Record<IntervalUnit, number>> = {
  day: 3650,
  week: 520,
  month: 120,
  year: 10,
};

/** True for a zone of the IANA database, such as `Europe/Moscow`; offsets such as `+03:00` are not zones. */
export function isTimeZone(name: string): boolean {
  if (!/^[A-Za-z]/.test(name)) return false;
  try {
    return new Intl.DateTimeFormat('en', { timeZone: name }).resolvedOptions().timeZone !== '';
  } catch {
    return false;
  }
}

/**
 * Boundary `index` of a subscription: its billing anchor plus `index` intervals.
 * @param anchor RFC 3339 instant
 * @param timeZone IANA name
 * @returns RFC 3339 instant in UTC, milliseconds
 * @throws RangeError when the zone is unknown
 */
export function boundary(anchor: string, timeZone: string, interval: Interval, index: number): string {
  const start = Temporal.Instant.from(anchor).toZonedDateTimeISO(timeZone);
  const local = start.toPlainDateTime().add({ [`${interval.unit}s`]: interval.count * index });
  // The anchor itself may be the second of two equal local times; only its own boundary keeps that.
  if (index === 0) return instantText(start.toInstant());
  return instantText(local.toZonedDateTime(timeZone, { disambiguation: 'compatible' }).toInstant());
}

/** The end of a trial of whole local days that begins at `start`. */
export function trialEnd(start: string, timeZone: string, trialDays: number): string {
  return boundary(start, timeZone, { unit: 'day', count: 1 }, trialDays);
}

function instantText(instant: Temporal.Instant): string {
  return instant.toString({ smallestUnit: 'millisecond' });
}
