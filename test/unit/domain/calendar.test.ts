import fc from 'fast-check';
import { Temporal } from 'temporal-polyfill';
import { boundary, isTimeZone, trialEnd, type Interval } from '../../../domain/calendar';

const monthly: Interval = { unit: 'month', count: 1 };
const local = (instant: string, zone: string) =>
  Temporal.Instant.from(instant).toZonedDateTimeISO(zone).toPlainDateTime().toString();

describe('boundary', () => {
  it('is clamped to the last day of a short month and comes back to the anchor’s day', () => {
    const anchor = '2027-01-31T12:00:00Z';
    const days = [0, 1, 2, 3, 13].map((index) => boundary(anchor, 'UTC', monthly, index).slice(0, 10));
    expect(days).toEqual(['2027-01-31', '2027-02-28', '2027-03-31', '2027-04-30', '2028-02-29']);
  });

  it('keeps 29 February for leap years', () => {
    const yearly: Interval = { unit: 'year', count: 1 };
    const days = [1, 4].map((index) => boundary('2028-02-29T00:00:00Z', 'UTC', yearly, index).slice(0, 10));
    expect(days).toEqual(['2029-02-28', '2032-02-29']);
  });

  it('moves a local time that does not exist forward', () => {
    // Berlin skips 02:00 to 03:00 on 28 March 2027.
    expect(local(boundary('2027-02-28T01:30:00Z', 'Europe/Berlin', monthly, 1), 'Europe/Berlin')).toBe(
      '2027-03-28T03:30:00',
    );
  });

  it('takes the first of two equal local times', () => {
    // Berlin repeats 02:00 to 03:00 on 31 October 2027; the first is at +02:00.
    expect(boundary('2027-08-31T00:30:00Z', 'Europe/Berlin', monthly, 2)).toBe('2027-10-31T00:30:00.000Z');
  });

  it('of index 0 is the anchor itself, even where its local time exists twice', () => {
    expect(boundary('2027-10-31T01:30:00Z', 'Europe/Berlin', monthly, 0)).toBe('2027-10-31T01:30:00.000Z');
  });

  it('grows strictly, so that periods never overlap and are never empty', () => {
    fc.assert(
      fc.property(
        fc.date({ min: new Date('2000-01-01'), max: new Date('2060-01-01'), noInvalidDate: true }),
        fc.constantFrom(
          'Pacific/Kiritimati',
          'Pacific/Pago_Pago',
          'Europe/Moscow',
          'America/New_York',
          'UTC',
        ),
        fc.constantFrom<Interval['unit']>('day', 'week', 'month', 'year'),
        fc.integer({ min: 1, max: 12 }),
        fc.integer({ min: 0, max: 60 }),
        (anchor, zone, unit, count, index) => {
          const at = (n: number) => Date.parse(boundary(anchor.toISOString(), zone, { unit, count }, n));
          expect(at(index + 1)).toBeGreaterThan(at(index));
        },
      ),
    );
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
});
