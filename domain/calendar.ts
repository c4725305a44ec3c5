/**
 * Period boundaries: anchor + n intervals in the subscription's time zone, from the anchor each time.
 *
 * Owns: every computation of a calendar date. Not for workflows: time-zone data changes with the runtime, and a
 * workflow that computed dates would stop replaying. Rule (TC39 Temporal): days beyond a month's end are
 * clamped, a local time in a gap moves forward, in an overlap the first one counts (`compatible`).
 * Invariants: boundaries grow strictly with their index, so that periods are contiguous and never empty. Only a
 * daily interval needs a rule for that: a day that the zone left out (30 December 2011 in Samoa) is not counted,
 * since its boundary would coincide with the next day's; the next day takes its index.
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

const dayMs = 86_400_000;

/**
 * True for a zone of the IANA database that dates can be computed with and shown in, such as `Europe/Moscow`. Offsets
 * such as `+03:00` and the abbreviations of {@link computedZone} are none.
 */
export function isTimeZone(name: string): boolean {
  if (!/^[A-Za-z]/.test(name)) return false;
  try {
    Temporal.Instant.fromEpochMilliseconds(0).toZonedDateTimeISO(name);
    return new Intl.DateTimeFormat('en', { timeZone: name }).resolvedOptions().timeZone !== '';
  } catch {
    return false;
  }
}

/** Abbreviations that ICU takes for zones and IANA does not have, each with the zone that ICU takes it for. */
const abbreviatedZones: Readonly<Record<string, string>> = {
  ACT: 'Australia/Darwin',
  AET: 'Australia/Sydney',
  AGT: 'America/Argentina/Buenos_Aires',
  ART: 'Africa/Cairo',
  AST: 'America/Anchorage',
  BET: 'America/Sao_Paulo',
  BST: 'Asia/Dhaka',
  CAT: 'Africa/Maputo',
  CNT: 'America/St_Johns',
  CST: 'America/Chicago',
  CTT: 'Asia/Shanghai',
  EAT: 'Africa/Nairobi',
  ECT: 'Europe/Paris',
  IET: 'America/Indiana/Indianapolis',
  IST: 'Asia/Kolkata',
  JST: 'Asia/Tokyo',
  MIT: 'Pacific/Apia',
  NET: 'Asia/Yerevan',
  NST: 'Pacific/Auckland',
  PLT: 'Asia/Karachi',
  PNT: 'America/Phoenix',
  PRT: 'America/Puerto_Rico',
  PST: 'America/Los_Angeles',
  SST: 'Pacific/Guadalcanal',
  VST: 'Asia/Ho_Chi_Minh',
};

/**
 * The zone that dates are computed with. Rows that are older than the check of their zone may hold an abbreviation.
 * @returns the zone itself, or the one that its abbreviation stands for
 */
export function computedZone(timeZone: string): string {
  return abbreviatedZones[timeZone.toUpperCase()] ?? timeZone;
}

/**
 * Boundary `index` of a subscription: its billing anchor plus `index` intervals.
 * @param anchor RFC 3339 instant
 * @param timeZone IANA name
 * @param index 0 or more; 0 is the anchor itself
 * @returns RFC 3339 instant in UTC, milliseconds
 * @throws RangeError when the zone is unknown, or the boundary beyond what the calendar can say
 */
export function boundary(anchor: string, timeZone: string, interval: Interval, index: number): string {
  const zone = computedZone(timeZone);
  const start = Temporal.Instant.from(anchor).toZonedDateTimeISO(zone);
  // The anchor itself may be the second of two equal local times; only its own boundary keeps that.
  if (index === 0) return instantText(start.toInstant());
  const units =
    interval.unit === 'day' && interval.count === 1 ? calendarDays(start, index) : interval.count * index;
  const local = start.toPlainDateTime().add({ [`${interval.unit}s`]: units });
  return instantText(local.toZonedDateTime(zone, { disambiguation: 'compatible' }).toInstant());
}

/**
 * Period `index` of a subscription: from boundary `index` to boundary `index + 1`.
 * @param index 0 or more
 */
export function periodAt(
  anchor: string,
  timeZone: string,
  interval: Interval,
  index: number,
): { start: string; end: string } {
  return {
    start: boundary(anchor, timeZone, interval, index),
    end: boundary(anchor, timeZone, interval, index + 1),
  };
}

/** The end of a trial of whole local days that begins at `start`; a day that the zone left out is none of them. */
export function trialEnd(start: string, timeZone: string, trialDays: number): string {
  return boundary(start, timeZone, { unit: 'day', count: 1 }, trialDays);
}

/** How many dates after `start` the daily boundary `index` lies: its index, and one more for each day left out. */
function calendarDays(start: Temporal.ZonedDateTime, index: number): number {
  let days = index;
  for (
    let change = start.getTimeZoneTransition('next');
    change !== null;
    change = change.getTimeZoneTransition('next')
  ) {
    const before = change.subtract({ nanoseconds: 1 });
    const local = start.toPlainDateTime().add({ days });
    if (Temporal.PlainDateTime.compare(local, before.toPlainDateTime()) <= 0) break;
    if (change.offsetNanoseconds - before.offsetNanoseconds >= dayMs * 1_000_000) days += 1;
  }
  return days;
}

function instantText(instant: Temporal.Instant): string {
  return instant.toString({ smallestUnit: 'millisecond' });
}
