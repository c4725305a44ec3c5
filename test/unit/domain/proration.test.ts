import fc from 'fast-check';
import { maxAmount } from '../../../domain/money';
import { linesTotal, unusedAmount, type Line } from '../../../domain/subscription/proration';

const april = { start: '2027-04-01T00:00:00.000Z', end: '2027-05-01T00:00:00.000Z' };

const anyAmount = fc.integer({ min: 0, max: maxAmount });
const anyInstantMs = fc.integer({ min: Date.parse('2020-01-01'), max: Date.parse('2100-01-01') });
const text = (instantMs: number) => new Date(instantMs).toISOString();
/** A period of 1 ms to 10 years, and instants of which some lie in it. */
const anyPeriod = fc
  .tuple(anyInstantMs, fc.integer({ min: 1, max: 315_576_000_000 }))
  .map(([startMs, lengthMs]) => ({ start: text(startMs), end: text(startMs + lengthMs) }));
const anyCase = anyPeriod.chain((period) => {
  const [startMs, endMs] = [Date.parse(period.start), Date.parse(period.end)];
  const anyAt = fc.oneof(fc.integer({ min: startMs, max: endMs }), anyInstantMs).map(text);
  return fc.record({ period: fc.constant(period), at: anyAt, later: anyAt });
});
const seconds = (instant: string) => BigInt(Math.floor(Date.parse(instant) / 1000));

describe('unusedAmount', () => {
  it.each([
    ['2027-04-01T00:00:00Z', 1000],
    ['2027-04-16T00:00:00Z', 500],
    ['2027-04-11T00:00:00Z', 667],
    ['2027-04-21T00:00:00Z', 333],
    ['2027-04-30T23:59:59Z', 0],
    ['2027-05-01T00:00:00Z', 0],
    ['2027-03-01T00:00:00Z', 1000],
    ['2028-01-01T00:00:00Z', 0],
  ])('of 1000 for April, from %s, is %i', (at, unused) => {
    expect(unusedAmount(1000, april, at)).toBe(unused);
  });

  it('counts the seconds that the period really has: March with a change of the clock is an hour shorter', () => {
    const march = { start: '2027-03-01T05:00:00Z', end: '2027-04-01T04:00:00Z' };
    // 743 hours, of which 371.5 are left.
    expect(unusedAmount(1_000_000, march, '2027-03-16T16:30:00Z')).toBe(500_000);
    expect(unusedAmount(743, march, '2027-04-01T03:00:00Z')).toBe(1);
  });

  it('rounds a half away from zero, whatever the sign', () => {
    expect([1, 3, -1, -3].map((amount) => unusedAmount(amount, april, '2027-04-16T00:00:00Z'))).toEqual([
      1, 2, -1, -2,
    ]);
  });

  it('is all of the amount at the start, and nothing from the end on', () => {
    fc.assert(
      fc.property(anyAmount, anyPeriod, (amount, period) => {
        fc.pre(seconds(period.start) < seconds(period.end));
        expect(unusedAmount(amount, period, period.start)).toBe(amount);
        expect(unusedAmount(amount, period, period.end)).toBe(0);
      }),
    );
  });

  it('never grows as time goes on', () => {
    fc.assert(
      fc.property(anyAmount, anyCase, (amount, { period, at, later }) => {
        const [first, second] = [at, later].sort() as [string, string];
        expect(unusedAmount(amount, period, second)).toBeLessThanOrEqual(unusedAmount(amount, period, first));
      }),
    );
  });

  it('is within half a minor unit of the exact part, for every amount', () => {
    fc.assert(
      fc.property(anyAmount, anyCase, (amount, { period, at }) => {
        const length = seconds(period.end) - seconds(period.start);
        const left = seconds(period.end) - seconds(at);
        fc.pre(left >= 0n && left <= length);
        const error = 2n * (BigInt(unusedAmount(amount, period, at)) * length - BigInt(amount) * left);
        expect(error <= length && error >= -length).toBe(true);
      }),
    );
  });

  it('of two prices together differs from theirs by one unit at most', () => {
    fc.assert(
      fc.property(anyAmount, anyAmount, anyCase, (first, second, { period, at }) => {
        const apart = unusedAmount(first, period, at) + unusedAmount(second, period, at);
        expect(Math.abs(apart - unusedAmount(first + second, period, at))).toBeLessThanOrEqual(1);
      }),
    );
  });

  it('takes no instant that it cannot read', () => {
    expect(() => unusedAmount(1000, april, 'tomorrow')).toThrow(RangeError);
    expect(() => unusedAmount(1000, { start: '', end: april.end }, april.end)).toThrow(RangeError);
  });
});

describe('linesTotal', () => {
  const line = (amount: number): Line => ({ description: 'Any', amount, period: april });

  it('is 0 without lines, and negative when the credits outweigh', () => {
    expect([linesTotal([]), linesTotal([line(-700), line(200)])]).toEqual([0, -500]);
  });

  it('is exact or refused, never rounded', () => {
    const most = line(maxAmount);
    expect(linesTotal(Array.from({ length: 9 }, () => most))).toBe(9 * maxAmount);
    expect(() => linesTotal(Array.from({ length: 10 }, () => most))).toThrow(RangeError);
  });
});
