import fc from 'fast-check';
import { isRecurring, monthlyAmount, revenueMovement } from '../../../domain/subscription/recurring-revenue';
import { maxAmount } from '../../../domain/money';
import { subscriptionStatuses } from '../../../domain/subscription/subscription';

describe('monthlyAmount', () => {
  it.each([
    [1000, 'month', 1, 1000],
    [12_000, 'year', 1, 1000],
    [1000, 'month', 3, 333],
    [1000, 'week', 1, 4333],
    [100, 'day', 1, 3042],
    [1, 'year', 1, 0],
    [6, 'year', 1, 1],
  ] as const)('%i for %s × %i is %i a month', (amount, unit, count, monthly) => {
    expect(monthlyAmount(amount, { unit, count })).toBe(monthly);
  });

  it('is within half a minor unit of the exact value, for every amount', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: maxAmount }),
        fc.integer({ min: 1, max: 10 }),
        (amount, count) => {
          const twelfths = BigInt(monthlyAmount(amount, { unit: 'year', count })) * 12n * BigInt(count);
          const error = twelfths - BigInt(amount);
          expect(2n * (error < 0n ? -error : error) <= 12n * BigInt(count)).toBe(true);
        },
      ),
    );
  });
});

describe('revenueMovement', () => {
  it.each([
    [0, 500, false, 'new'],
    [0, 500, true, 'recovery'],
    [500, 700, true, 'expansion'],
    [700, 500, true, 'contraction'],
    [500, 0, true, 'churn'],
    [500, 500, true, null],
    [0, 0, false, null],
  ] as const)('from %i to %i (ever counted: %s) is %s', (before, after, ever, movement) => {
    expect(revenueMovement(before, after, ever)).toBe(movement);
  });
});

describe('isRecurring', () => {
  it('counts what is active or past due', () => {
    expect(subscriptionStatuses.filter(isRecurring)).toEqual(['active', 'past_due']);
  });
});
