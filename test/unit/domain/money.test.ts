import fc from 'fast-check';
import {
  floorToStep,
  maxAmount,
  maxPrice,
  maxQuantity,
  periodAmount,
  smallestPrice,
} from '../../../domain/money';

describe('periodAmount', () => {
  it('is exact, or refused when it exceeds the bound', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: maxPrice }),
        fc.integer({ min: 1, max: maxQuantity }),
        (price, quantity) => {
          const exact = BigInt(price) * BigInt(quantity);
          const amount = periodAmount(price, quantity);
          expect(amount).toBe(exact <= BigInt(maxAmount) ? Number(exact) : undefined);
        },
      ),
    );
  });
});

describe('floorToStep', () => {
  const limits = fc
    .tuple(fc.integer({ min: 1, max: 1_000 }), fc.integer({ min: 1, max: 50_000 }))
    .map(([step, smallest]) => ({ step, smallest }));
  const amounts = fc.integer({ min: 0, max: maxAmount });

  it('takes the largest multiple of the step that is not more, or nothing when that is less than the smallest', () => {
    fc.assert(
      fc.property(amounts, limits, (amount, { smallest, step }) => {
        const floored = floorToStep(amount, { smallest, step });
        const multiple = amount - (amount % step);
        expect(floored).toBe(multiple >= smallest ? multiple : 0);
        expect([floored % step, floored <= amount]).toEqual([0, true]);
      }),
    );
  });

  it('changes nothing that it gave, and never gives less for more', () => {
    fc.assert(
      fc.property(amounts, amounts, limits, (one, other, bounds) => {
        const floored = floorToStep(one, bounds);
        expect(floorToStep(floored, bounds)).toBe(floored);
        const [less, more] = [Math.min(one, other), Math.max(one, other)];
        expect(floorToStep(less, bounds)).toBeLessThanOrEqual(floorToStep(more, bounds));
      }),
    );
  });

  it.each([
    [49, 50, 1, 0],
    [50, 50, 1, 50],
    [1_005, 10, 10, 1_000],
    [9, 10, 10, 0],
    [55, 55, 10, 0],
    [0, 1, 1, 0],
    [-20, 1, 1, 0],
    [-25, 1, 10, 0],
  ])('of %i with a smallest charge of %i and a step of %i is %i', (amount, smallest, step, floored) => {
    expect(floorToStep(amount, { smallest, step })).toBe(floored);
  });
});

describe('smallestPrice', () => {
  it('is the least of which three reach the smallest charge', () => {
    const limits = fc.record({
      smallest: fc.integer({ min: 1, max: 500 }),
      step: fc.integer({ min: 1, max: 100 }),
    });
    fc.assert(
      fc.property(limits, (bounds) => {
        const least = smallestPrice(bounds);
        expect(floorToStep(3 * least, bounds)).toBeGreaterThan(0);
        expect(floorToStep(3 * (least - 1), bounds)).toBe(0);
      }),
    );
  });

  it.each([
    [1, 1, 1],
    [50, 1, 17],
    [10, 10, 4],
    [55, 10, 20],
  ])('of a smallest charge of %i and a step of %i is %i', (smallest, step, least) => {
    expect(smallestPrice({ smallest, step })).toBe(least);
  });
});
