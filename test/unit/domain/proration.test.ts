import fc from 'fast-check';
import { maxAmount } from '../../../domain/money';
import {
  applyBalance,
  linesTotal,
  prorationLines,
  unusedAmount,
  type Line,
} from '../../../domain/subscription/proration';

const april = { start: '2027-04-01T00:00:00.000Z', end: '2027-05-01T00:00:00.000Z' };
const basic = { description: 'Basic', amount: 1000 };
const pro = { description: 'Pro', amount: 2500 };

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

describe('prorationLines', () => {
  it('shows what comes back and what is due, each for the rest of the period', () => {
    const at = '2027-04-16T00:00:00.000Z';
    const period = { start: at, end: april.end };
    const lines = prorationLines({ before: basic, after: pro, period: april, at });
    expect(lines).toEqual([
      { description: 'Basic', amount: -500, period },
      { description: 'Pro', amount: 1250, period },
    ]);
    expect(linesTotal(lines)).toBe(750);
  });

  it('shows both sides even when they cancel each other out', () => {
    const lines = prorationLines({ before: basic, after: basic, period: april, at: '2027-04-11T00:00:00Z' });
    expect(lines.map((line) => line.amount)).toEqual([-667, 667]);
  });

  it.each([
    ['from a free plan', { ...basic, amount: 0 }, pro, '2027-04-16T00:00:00Z', [1250]],
    ['to a free plan', basic, { ...pro, amount: 0 }, '2027-04-16T00:00:00Z', [-500]],
    ['at the period’s end', basic, pro, april.end, []],
    ['after the period’s end', basic, pro, '2027-06-01T00:00:00Z', []],
  ])('has no line that amounts to 0: %s', (_, before, after, at, amounts) => {
    expect(prorationLines({ before, after, period: april, at }).map((line) => line.amount)).toEqual(amounts);
  });

  it('before the period’s start is for the whole period', () => {
    const lines = prorationLines({ before: basic, after: pro, period: april, at: '2027-03-31T23:59:59Z' });
    expect(lines).toEqual([
      { ...basic, amount: -1000, period: april },
      { ...pro, period: april },
    ]);
  });

  it('between equal prices comes to 0', () => {
    fc.assert(
      fc.property(anyAmount, anyCase, (amount, { period, at }) => {
        const price = { description: 'Same', amount };
        expect(linesTotal(prorationLines({ before: price, after: price, period, at }))).toBe(0);
      }),
    );
  });

  it('and back at the same instant comes to 0', () => {
    fc.assert(
      fc.property(anyAmount, anyAmount, anyCase, (first, second, { period, at }) => {
        const [before, after] = [
          { description: 'One', amount: first },
          { description: 'Other', amount: second },
        ];
        const there = prorationLines({ before, after, period, at });
        const back = prorationLines({ before: after, after: before, period, at });
        expect(linesTotal([...there, ...back])).toBe(0);
      }),
    );
  });

  it('cut in two by a later change, costs what its parts cost: one unit of rounding for each line', () => {
    fc.assert(
      fc.property(anyAmount, anyAmount, anyCase, (first, second, { period, at, later }) => {
        const instants = [period.start, at, later].filter((x) => x >= period.start && x < period.end);
        fc.pre(instants.length === 3 && seconds(period.start) < seconds(period.end));
        const [, change, revert] = instants.sort() as [string, string, string];
        const [before, after] = [
          { description: 'One', amount: first },
          { description: 'Other', amount: second },
        ];
        const lines = [
          ...prorationLines({ before, after, period, at: change }),
          ...prorationLines({ before: after, after: before, period, at: revert }),
        ];
        const length = seconds(period.end) - seconds(period.start);
        const exact = BigInt(second - first) * (seconds(revert) - seconds(change));
        const error = BigInt(linesTotal(lines)) * length - exact;
        expect((error < 0n ? -error : error) <= BigInt(lines.length) * length).toBe(true);
      }),
    );
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

describe('applyBalance', () => {
  it.each([
    ['without a balance', 1000, 0, 1000, 0],
    ['a credit smaller than the amount', 1000, -300, 700, 0],
    ['a credit as large as the amount', 1000, -1000, 0, 0],
    ['a credit larger than the amount', 1000, -2500, 0, -1500],
    ['a debit that waits', 1000, 300, 1300, 0],
    ['an amount that is a credit', -400, 0, 0, -400],
    ['a credit on top of a credit', -400, -100, 0, -500],
    ['a credit against a debit that waits', -400, 1000, 600, 0],
    ['nothing', 0, 0, 0, 0],
  ])('%s: %i with %i carried charges %i and carries %i', (_, amountDue, carried, charge, balance) => {
    expect(applyBalance(amountDue, carried)).toEqual({ charge, balance });
  });

  it('loses nothing, charges nothing negative, and carries no credit past something to pay', () => {
    const anySigned = fc.integer({ min: -maxAmount, max: maxAmount });
    fc.assert(
      fc.property(anySigned, anySigned, (amountDue, carried) => {
        const { charge, balance } = applyBalance(amountDue, carried);
        expect(charge + balance).toBe(amountDue + carried);
        expect(charge).toBeGreaterThanOrEqual(0);
        expect(balance).toBeLessThanOrEqual(0);
        expect(charge > 0 && balance < 0).toBe(false);
      }),
    );
  });

  it('uses up a credit over many periods to the last unit', () => {
    fc.assert(
      fc.property(anyAmount, fc.array(anyAmount, { maxLength: 20 }), (credit, amounts) => {
        let balance = 0 - credit;
        let charged = 0n;
        for (const amount of amounts) {
          const settled = applyBalance(amount, balance);
          balance = settled.balance;
          charged += BigInt(settled.charge);
        }
        const billed = amounts.reduce((total, amount) => total + BigInt(amount), 0n);
        expect(charged + BigInt(balance)).toBe(billed - BigInt(credit));
      }),
    );
  });
});
