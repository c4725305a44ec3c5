import fc from 'fast-check';
import { maxAmount, maxPrice, maxQuantity, periodAmount } from '../../../domain/money';

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
