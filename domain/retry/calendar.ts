/**
 * The calendar of retries: durations and preferred times in the customer's zone.
 *
 * Owns: every computation of a date that retries need. Not for workflows, as `calendar.ts` is not. Days are local
 * days, whatever their length; hours and less are exact. A local time in a gap moves forward, in an overlap the first
 * one counts.
 */
import { Temporal } from 'temporal-polyfill';
import { computedZone } from '../calendar';
import type { DurationParts } from './policy';

/** Local times in which an attempt is wanted; what is left out does not matter. */
export interface PreferredTimes {
  hours?: readonly [from: number, to: number] | undefined;
  /** Days beyond the end of a shorter month mean its last day. */
  daysOfMonth?: readonly number[] | undefined;
}

/** The instant `duration` after `start`. @returns milliseconds since 1970 */
export function laterMs(startMs: number, timeZone: string, duration: DurationParts): number {
  return zoned(startMs, timeZone).add(duration).epochMilliseconds;
}

/** The instant `days` local days before `end`. @returns milliseconds since 1970 */
export function daysBeforeMs(endMs: number, timeZone: string, days: number): number {
  return zoned(endMs, timeZone).subtract({ days }).epochMilliseconds;
}

/**
 * The first instant at `fromMs` or later, and before `endMs`, that is in the preferred times.
 * @returns null when there is none
 */
export function preferredMs(
  fromMs: number,
  endMs: number,
  timeZone: string,
  times: PreferredTimes,
): number | null {
  const start = zoned(fromMs, timeZone);
  if (isPreferred(start, times)) return fromMs;
  for (let days = 0; ; days += 1) {
    const date = start.toPlainDate().add({ days });
    for (const time of beginnings(date, timeZone, times)) {
      if (time.epochMilliseconds >= endMs) return null;
      if (time.epochMilliseconds > fromMs && isPreferred(time, times)) return time.epochMilliseconds;
    }
  }
}

/** Where preferred times of a day may begin: with the day, or with the preferred hours. */
function beginnings(
  date: Temporal.PlainDate,
  timeZone: string,
  { hours }: PreferredTimes,
): Temporal.ZonedDateTime[] {
  const zone = computedZone(timeZone);
  const midnight = date.toZonedDateTime(zone);
  if (hours === undefined) return [midnight];
  return [
    midnight,
    date.toZonedDateTime({ timeZone: zone, plainTime: Temporal.PlainTime.from({ hour: hours[0] }) }),
  ];
}

function isPreferred(time: Temporal.ZonedDateTime, { hours, daysOfMonth }: PreferredTimes): boolean {
  return (
    (hours === undefined || isWithin(time.hour, hours)) &&
    (daysOfMonth === undefined || isOnDay(time, daysOfMonth))
  );
}

function isWithin(hour: number, [from, to]: readonly [number, number]): boolean {
  return from < to ? hour >= from && hour < to : hour >= from || hour < to;
}

function isOnDay({ day, daysInMonth }: Temporal.ZonedDateTime, days: readonly number[]): boolean {
  return days.includes(day) || (day === daysInMonth && days.some((wanted) => wanted > daysInMonth));
}

/** RFC 3339 with the zone's offset: what a clock on the customer's wall shows. */
export function localText(ms: number, timeZone: string): string {
  return zoned(ms, timeZone).toString({ timeZoneName: 'never', smallestUnit: 'second' });
}

/** RFC 3339 in UTC, milliseconds. */
export function instantText(ms: number): string {
  return new Date(ms).toISOString();
}

function zoned(ms: number, timeZone: string): Temporal.ZonedDateTime {
  return Temporal.Instant.fromEpochMilliseconds(ms).toZonedDateTimeISO(computedZone(timeZone));
}
