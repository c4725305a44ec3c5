import { daysBeforeMs, laterMs } from '../../../domain/retry/calendar';

const instant = (ms: number) => new Date(ms).toISOString();
const nothing = { days: 0, hours: 0, minutes: 0, seconds: 0 };

describe('days of a retry policy', () => {
  // In Berlin the clocks go forward on 2027-03-28 and back on 2027-10-31.
  it.each([
    ['loses an hour', '2027-03-30T10:00:00.000Z', '2027-03-27T11:00:00.000Z'],
    ['gains an hour', '2027-11-02T11:00:00.000Z', '2027-10-30T10:00:00.000Z'],
    ['keeps its clocks', '2027-07-04T10:00:00.000Z', '2027-07-01T10:00:00.000Z'],
  ])('are counted back by the local clock where the time between %s', (_, end, expected) => {
    expect(instant(daysBeforeMs(Date.parse(end), 'Europe/Berlin', 3))).toBe(expected);
  });

  it('are counted forward by the local clock, hours by the elapsed time', () => {
    const start = Date.parse('2027-03-27T11:00:00.000Z');
    expect(instant(laterMs(start, 'Europe/Berlin', { ...nothing, days: 3 }))).toBe(
      '2027-03-30T10:00:00.000Z',
    );
    expect(instant(laterMs(start, 'Europe/Berlin', { ...nothing, hours: 72 }))).toBe(
      '2027-03-30T11:00:00.000Z',
    );
  });
});
