import fc from 'fast-check';
import { Temporal } from 'temporal-polyfill';
import {
  computedZone,
  boundary,
  isTimeZone,
  maxIntervalCount,
  periodAt,
  trialEnd,
  type Interval,
} from '../../../domain/calendar';

const daily: Interval = { unit: 'day', count: 1 };
const monthly: Interval = { unit: 'month', count: 1 };
const yearly: Interval = { unit: 'year', count: 1 };

const local = (instant: string, zone: string) =>
  Temporal.Instant.from(instant).toZonedDateTimeISO(zone).toPlainDateTime().toString();
const instantOf = (localTime: string, zone: string) =>
  Temporal.PlainDateTime.from(localTime).toZonedDateTime(zone).toInstant().toString();
const range = (length: number) => Array.from({ length }, (_, index) => index);

/** Far east and west of Greenwich, and zones whose clocks change: regularly, at midnight, by half an hour. */
const zones = [
  'Pacific/Kiritimati',
  'Pacific/Pago_Pago',
  'Europe/Moscow',
  'America/New_York',
  'America/Havana',
  'Australia/Lord_Howe',
  'UTC',
];

/** Every day that a zone of the IANA database has left out since 1900. */
const daysLeftOut = [
  ['Pacific/Apia', '2011-12-30'],
  ['Pacific/Fakaofo', '2011-12-30'],
  ['Pacific/Kiritimati', '1994-12-31'],
  ['Pacific/Kanton', '1994-12-31'],
  ['Pacific/Kwajalein', '1993-08-21'],
] as const;

const anyInterval: fc.Arbitrary<Interval> = fc
  .constantFrom<Interval['unit']>('day', 'week', 'month', 'year')
  .chain((unit) => fc.record({ unit: fc.constant(unit), count: fc.integer({ min: 1, max: 12 }) }));

/** Anchors anywhere, and in the weeks before a day is left out. */
const anyAnchor = fc.oneof(
  fc.record({
    zone: fc.constantFrom(...zones, ...daysLeftOut.map(([zone]) => zone)),
    anchor: fc
      .date({ min: new Date('1960-01-01'), max: new Date('2060-01-01'), noInvalidDate: true })
      .map((date) => date.toISOString()),
  }),
  fc
    .tuple(fc.constantFrom(...daysLeftOut), fc.integer({ min: 0, max: 40 * 24 * 60 }))
    .map(([[zone, day], minutes]) => ({
      zone: zone as string,
      anchor: Temporal.Instant.from(`${day}T12:00:00Z`).subtract({ minutes }).toString(),
    })),
);

const anySubscription = fc.tuple(anyAnchor, anyInterval).map(([place, interval]) => ({ ...place, interval }));

describe('boundary', () => {
  it.each(zones)('from 31 January, monthly for 5 years, is the last day of each month (%s)', (zone) => {
    const lengths = (february: number) => [31, february, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    const lastDays = [28, 29, 28, 28, 28].flatMap(lengths);
    for (const time of ['00:30:00', '12:00:00', '23:30:00']) {
      const anchor = instantOf(`2027-01-31T${time}`, zone);
      const expected = lastDays.map(
        (day, n) => `${2027 + Math.floor(n / 12)}-${String((n % 12) + 1).padStart(2, '0')}-${day}T${time}`,
      );
      const boundaries = lastDays.map((_, index) => local(boundary(anchor, zone, monthly, index), zone));
      expect(boundaries.map((at) => at.padEnd(19, ':00'))).toEqual(expected);
    }
  });

  it('from 29 February, yearly, is 28 February and comes back in leap years; 2100 is none', () => {
    const days = [0, 1, 2, 3, 4, 8, 68, 72, 76].map((index) =>
      boundary('2028-02-29T00:00:00Z', 'UTC', yearly, index).slice(0, 10),
    );
    expect(days).toEqual([
      '2028-02-29',
      '2029-02-28',
      '2030-02-28',
      '2031-02-28',
      '2032-02-29',
      '2036-02-29',
      '2096-02-29',
      '2100-02-28',
      '2104-02-29',
    ]);
  });

  // Computed by another implementation (Python's zoneinfo), from 31 January 23:30 and 1 February 00:30 local time.
  it.each([
    ['Pacific/Kiritimati', '2027-01-31T09:30Z', '02-28T09:30 03-31T09:30 10-31T09:30 11-30T09:30'],
    ['Pacific/Kiritimati', '2027-01-31T10:30Z', '02-28T10:30 03-31T10:30 10-31T10:30 11-30T10:30'],
    ['Pacific/Pago_Pago', '2027-02-01T10:30Z', '03-01T10:30 04-01T10:30 11-01T10:30 12-01T10:30'],
    ['Pacific/Pago_Pago', '2027-02-01T11:30Z', '03-01T11:30 04-01T11:30 11-01T11:30 12-01T11:30'],
    ['Europe/Moscow', '2027-01-31T20:30Z', '02-28T20:30 03-31T20:30 10-31T20:30 11-30T20:30'],
    ['Europe/Moscow', '2027-01-31T21:30Z', '02-28T21:30 03-31T21:30 10-31T21:30 11-30T21:30'],
    ['America/New_York', '2027-02-01T04:30Z', '03-01T04:30 04-01T03:30 11-01T03:30 12-01T04:30'],
    ['America/New_York', '2027-02-01T05:30Z', '03-01T05:30 04-01T04:30 11-01T04:30 12-01T05:30'],
  ])(
    'half an hour before or after midnight stays there, month by month (%s, %s)',
    (zone, anchor, expected) => {
      const boundaries = [1, 2, 9, 10].map((index) => boundary(anchor, zone, monthly, index).slice(5, 16));
      expect(boundaries.join(' ')).toBe(expected);
    },
  );

  // Likewise. Moscow's last summer time began and ended in 2010; it went to +04:00 in 2011, to +03:00 in 2014.
  it.each([
    ['America/New_York', '2027-03-14T04:30Z', '03-15T03:30 03-16T03:30', 'forward, before midnight'],
    ['America/New_York', '2027-03-13T05:30Z', '03-14T05:30 03-15T04:30', 'forward, after midnight'],
    ['America/New_York', '2027-03-13T07:30Z', '03-14T07:30 03-15T06:30', 'forward, in the gap'],
    ['America/New_York', '2027-11-07T03:30Z', '11-08T04:30 11-09T04:30', 'back, before midnight'],
    ['America/New_York', '2027-11-06T04:30Z', '11-07T04:30 11-08T05:30', 'back, after midnight'],
    ['America/New_York', '2027-11-06T05:30Z', '11-07T05:30 11-08T06:30', 'back, in the overlap'],
    ['Europe/Moscow', '2010-03-27T20:30Z', '03-28T19:30 03-29T19:30', 'forward, before midnight'],
    ['Europe/Moscow', '2010-03-26T21:30Z', '03-27T21:30 03-28T20:30', 'forward, after midnight'],
    ['Europe/Moscow', '2010-03-26T23:30Z', '03-27T23:30 03-28T22:30', 'forward, in the gap'],
    ['Europe/Moscow', '2010-10-30T19:30Z', '10-31T20:30 11-01T20:30', 'back, before midnight'],
    ['Europe/Moscow', '2010-10-29T20:30Z', '10-30T20:30 10-31T21:30', 'back, after midnight'],
    ['Europe/Moscow', '2010-10-29T22:30Z', '10-30T22:30 10-31T23:30', 'back, in the overlap'],
    ['Europe/Moscow', '2011-03-26T20:30Z', '03-27T19:30 03-28T19:30', 'forward for good'],
    ['Europe/Moscow', '2014-10-25T19:30Z', '10-26T20:30 10-27T20:30', 'back for good'],
    ['America/Havana', '2027-03-13T05:30Z', '03-14T05:30 03-15T04:30', 'forward at midnight'],
  ])('keeps the local time over a change of the clock, day by day (%s, %s)', (zone, anchor, expected) => {
    const boundaries = [1, 2].map((index) => boundary(anchor, zone, daily, index).slice(5, 16));
    expect(boundaries.join(' ')).toBe(expected);
  });

  it('is what TC39 Temporal adds to the anchor, at every index', () => {
    for (const zone of zones) {
      for (const time of ['2010-01-31T23:30', '2010-02-01T00:30', '2026-12-31T01:30', '2028-02-29T02:30']) {
        const anchor = Temporal.PlainDateTime.from(time).toZonedDateTime(zone);
        for (const [unit, upTo] of [['day', 400] as const, ['week', 60] as const, ['month', 61] as const]) {
          const added = range(upTo).map((n) => anchor.add({ [`${unit}s`]: n }).epochMilliseconds);
          const from = anchor.toInstant().toString();
          expect(range(upTo).map((n) => Date.parse(boundary(from, zone, { unit, count: 1 }, n)))).toEqual(
            added,
          );
        }
      }
    }
  });

  it('of index 0 is the anchor itself, even where its local time exists twice', () => {
    expect(boundary('2027-10-31T01:30:00Z', 'Europe/Berlin', monthly, 0)).toBe('2027-10-31T01:30:00.000Z');
  });

  it.each(daysLeftOut)('does not count a day that does not exist (%s, %s)', (zone, day) => {
    const skipped = Temporal.PlainDate.from(day);
    for (const time of ['00:00', '00:30', '12:00', '23:30']) {
      const anchor = instantOf(`${skipped.subtract({ days: 2 }).toString()}T${time}`, zone);
      const days = range(5).map((index) => local(boundary(anchor, zone, daily, index), zone));
      const expected = [-2, -1, 1, 2, 3].map((days) => `${skipped.add({ days }).toString()}T${time}:00`);
      expect(days).toEqual(expected);
    }
  });

  it('does not count it many years later either, and counts it before the anchor not at all', () => {
    const at = (anchor: string, index: number) => boundary(anchor, 'Pacific/Apia', daily, index);
    expect(at('2011-12-28T22:00:00Z', 3000)).toBe(at('2011-12-29T22:00:00Z', 2999));
    expect(at('2011-12-28T22:00:00Z', 3000)).toBe(
      instantOf('2020-03-16T12:00', 'Pacific/Apia').replace('Z', '.000Z'),
    );
    expect(at('2011-12-30T22:00:00Z', 1)).toBe('2011-12-31T22:00:00.000Z');
  });

  it('grows strictly, so that periods never overlap and are never empty', () => {
    fc.assert(
      fc.property(anySubscription, fc.integer({ min: 0, max: 60 }), ({ anchor, zone, interval }, index) => {
        const at = (n: number) => Date.parse(boundary(anchor, zone, interval, n));
        expect(at(index + 1)).toBeGreaterThan(at(index));
      }),
      { numRuns: 1000 },
    );
  });

  it('stays within the calendar for the longest intervals', () => {
    for (const unit of ['day', 'week', 'month', 'year'] as const) {
      const interval = { unit, count: maxIntervalCount[unit] };
      expect(boundary('2077-01-01T00:00:00Z', 'UTC', interval, 100) > '3070').toBe(true);
    }
  });
});

describe('periodAt', () => {
  it('goes from one boundary to the next, so that periods are contiguous', () => {
    fc.assert(
      fc.property(anySubscription, fc.integer({ min: 0, max: 60 }), ({ anchor, zone, interval }, index) => {
        const period = periodAt(anchor, zone, interval, index);
        expect(period.start).toBe(boundary(anchor, zone, interval, index));
        expect(period.end).toBe(periodAt(anchor, zone, interval, index + 1).start);
      }),
    );
  });

  it('of index 0 begins at the anchor', () => {
    expect(periodAt('2027-01-31T12:00:00Z', 'UTC', monthly, 0)).toEqual({
      start: '2027-01-31T12:00:00.000Z',
      end: '2027-02-28T12:00:00.000Z',
    });
  });
});

describe('trialEnd', () => {
  it('counts local days, whatever their length', () => {
    expect(trialEnd('2027-03-27T23:00:00Z', 'Europe/Berlin', 1)).toBe('2027-03-28T22:00:00.000Z');
  });
});

describe('isTimeZone', () => {
  it.each(['Europe/Moscow', 'UTC', 'America/Argentina/Buenos_Aires'])('knows %s', (name) => {
    expect(isTimeZone(name)).toBe(true);
  });
  it.each(['', '+03:00', 'Mars/Olympus', 'Europe'])('does not know %j', (name) => {
    expect(isTimeZone(name)).toBe(false);
  });
  it.each(['PST', 'IST', 'bst', 'T00:00[Europe/Berlin]'])(
    'W6: does not know %j, which dates cannot be computed with',
    (name) => {
      expect(isTimeZone(name)).toBe(false);
    },
  );

  /** What Intl takes for zones and IANA does not have: rows that are older than the check may hold them. */
  const abbreviations =
    'ACT AET AGT ART AST BET BST CAT CNT CST CTT EAT ECT IET IST JST MIT NET NST PLT PNT PRT PST SST VST'.split(
      ' ',
    );

  it('W6: the calendar computes with every zone that Intl knows', () => {
    const known = Intl.supportedValuesOf('timeZone');
    expect(known.filter((zone) => !isTimeZone(zone))).toEqual([]);
    for (const zone of [...known, ...abbreviations])
      expect(boundary('2027-01-31T12:00:00.000Z', zone, monthly, 1)).toMatch(/^2027-/);
  });

  it.each(abbreviations)(
    'W6: %s is refused, and a row that holds it is computed as Intl takes it',
    (name) => {
      const shown = (instant: string, timeZone: string) =>
        new Intl.DateTimeFormat('en', { timeZone, dateStyle: 'full', timeStyle: 'long' }).format(
          new Date(instant),
        );
      expect(isTimeZone(name)).toBe(false);
      for (const instant of ['2026-01-15T12:00:00.000Z', '2026-07-15T12:00:00.000Z'])
        expect(shown(instant, computedZone(name))).toBe(shown(instant, name));
    },
  );
});
