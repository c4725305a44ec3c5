import fc from 'fast-check';
import { floorToStep, maxAmount, maxPrice, maxQuantity, periodAmount } from '../../../domain/money';

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
