import fc from 'fast-check';
import {
  absenceCountsAtMs,
  decideNotFound,
  type NotFoundFacts,
} from '../../../domain/payment/unknown-outcome';

const lastCallMs = Date.parse('2027-03-01T09:00:00Z');
const counting: NotFoundFacts = {
  provesAbsence: true,
  nowMs: lastCallMs + 60_000,
  lastCallMs,
  acknowledged: false,
  notFoundBefore: 0,
};

describe('a lookup that finds nothing', () => {
  it('proves that the attempt never arrived when it is the second in a row that counts', () => {
    expect(decideNotFound(counting)).toEqual({ notFound: 1, conclusive: false });
    expect(decideNotFound({ ...counting, notFoundBefore: 1 })).toEqual({ notFound: 2, conclusive: true });
  });

  it.each([
    ['at an early step of the schedule', { provesAbsence: false }],
    ['while the last call may still be on its way', { nowMs: lastCallMs + 59_999 }],
    ['when the provider once acknowledged the attempt', { acknowledged: true }],
  ])('proves nothing %s', (_, facts) => {
    const before = { ...counting, notFoundBefore: 1 };
    expect(decideNotFound({ ...before, ...facts })).toEqual({ notFound: 1, conclusive: false });
  });

  it('is conclusive only where each condition holds, and never lowers the count', () => {
    const anyFacts = fc.record({
      provesAbsence: fc.boolean(),
      nowMs: fc.integer({ min: lastCallMs, max: lastCallMs + 120_000 }),
      lastCallMs: fc.constant(lastCallMs),
      acknowledged: fc.boolean(),
      notFoundBefore: fc.integer({ min: 0, max: 3 }),
    });
    fc.assert(
      fc.property(anyFacts, (facts) => {
        const { notFound, conclusive } = decideNotFound(facts);
        const counts =
          facts.provesAbsence && !facts.acknowledged && facts.nowMs >= absenceCountsAtMs(facts.lastCallMs);
        expect(notFound).toBe(facts.notFoundBefore + (counts ? 1 : 0));
        expect(conclusive).toBe(counts && notFound >= 2);
      }),
    );
  });
});
