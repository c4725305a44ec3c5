import { recoveryFigures } from '../../../domain/retry/report';
import { simulate, type PastAttempt, type PastPayment } from '../../../domain/retry/simulation';
import { seededRandom, syntheticFailures } from '../../../cli/synthetic-failures';
import { plainPolicy } from './given-policy';

const past = (at: string, outcome: PastAttempt['outcome'], card = 'card-1'): PastAttempt => ({
  at: `2027-03-${at}:00:00.000Z`,
  outcome,
  payment_method_id: card,
  network: 'visa',
});
const payment = (...attempts: PastAttempt[]): PastPayment => ({
  payment_id: 'a',
  time_zone: 'UTC',
  attempts,
});
const only = (policy: Parameters<typeof simulate>[0], ...attempts: PastAttempt[]) =>
  simulate(policy, [payment(...attempts)])[0];

describe('simulate', () => {
  test('an attempt succeeds from the instant on at which the payment was paid in the history', () => {
    const paidOnDay4 = [past('01T12', 'do_not_honor'), past('05T12', 'completed')];
    // The rungs are days 1, 3, 5 and 7.
    expect(only(plainPolicy(), ...paidOnDay4)).toMatchObject({ attempts: 3, recovered_after_days: 5 });
    const punctual = plainPolicy({ ladder: [{ after: 'P4D' }] });
    expect(only(punctual, ...paidOnDay4)).toMatchObject({ attempts: 1, recovered_after_days: 4 });
    const hasty = plainPolicy({ ladder: [{ after: 'P1D' }, { after: 'PT95H' }] });
    expect(only(hasty, ...paidOnDay4)).toMatchObject({ attempts: 2, recovered_after_days: null });
  });

  test('what was never paid is never recovered', () => {
    expect(only(plainPolicy(), past('01T12', 'do_not_honor'))).toMatchObject({
      attempts: 4,
      recovered_after_days: null,
    });
  });

  test('a hard decline is tried again only with the next payment method, when it comes', () => {
    const same = only(plainPolicy(), past('01T12', 'expired_card'), past('02T12', 'completed'));
    expect(same).toMatchObject({ attempts: 0, recovered_after_days: null });
    const other = only(plainPolicy(), past('01T12', 'expired_card'), past('03T12', 'completed', 'card-2'));
    expect(other).toMatchObject({ attempts: 1, recovered_after_days: 2 });
    const late = only(plainPolicy(), past('01T12', 'expired_card'), past('20T12', 'completed', 'card-2'));
    expect(late).toMatchObject({ attempts: 0, recovered_after_days: null });
  });

  test('a customer who had to act does so without an attempt, if grace has not ended', () => {
    const story = [past('01T12', 'authentication_required'), past('03T18', 'completed')] as const;
    expect(only(plainPolicy(), ...story)).toMatchObject({ attempts: 0, recovered_after_days: 2.25 });
    expect(only(plainPolicy({ grace_days: 2 }), ...story)).toMatchObject({ recovered_after_days: null });
  });

  test('the attempts fail for the reason that the history had then', () => {
    // From day 2 on the card is refused for good.
    const story = [past('01T12', 'do_not_honor'), past('03T00', 'stolen_or_lost')];
    expect(only(plainPolicy(), ...story)).toMatchObject({ code: 'do_not_honor', attempts: 2 });
  });

  test('payments with one card share its budget, in the order of time', () => {
    const policy = plainPolicy({
      ladder: [{ after: 'P1D' }, { after: 'P2D' }],
      budgets: { visa: { attempts: 4, days: 30 } },
    });
    const one = payment(past('01T12', 'do_not_honor'));
    const other = { ...payment(past('01T18', 'do_not_honor')), payment_id: 'b' };
    // Two first failures and two attempts: those of day 1.
    expect(simulate(policy, [one, other]).map(({ attempts }) => attempts)).toEqual([1, 1]);
    const apart = { ...other, attempts: [past('01T18', 'do_not_honor', 'card-9')] };
    expect(simulate(policy, [one, apart]).map(({ attempts }) => attempts)).toEqual([2, 2]);
  });
});

describe('recoveryFigures', () => {
  test('count each reason and all of them', () => {
    const result = (code: 'do_not_honor' | 'expired_card', attempts: number, days: number | null) => ({
      payment_id: 'a',
      code,
      attempts,
      recovered_after_days: days,
    });
    const figures = recoveryFigures([
      result('expired_card', 0, null),
      result('do_not_honor', 1, 1),
      result('do_not_honor', 2, 2),
      result('do_not_honor', 4, null),
    ]);
    expect(figures).toEqual([
      {
        category: 'do_not_honor',
        payments: 3,
        recovered: 2,
        recovered_percent: 66.7,
        attempts: 7,
        attempts_per_payment: 2.3,
        median_days_to_recover: 1.5,
        mean_days_to_recover: 1.5,
      },
      expect.objectContaining({ category: 'expired_card', recovered: 0, median_days_to_recover: null }),
      expect.objectContaining({
        category: 'all',
        payments: 4,
        recovered: 2,
        recovered_percent: 50,
        attempts: 7,
      }),
    ]);
  });
});

describe('synthetic failures', () => {
  test('are the same for the same seed, and others for another', () => {
    const made = (seed: number) => syntheticFailures(50, seededRandom(seed));
    expect(made(7)).toEqual(made(7));
    expect(made(7)).not.toEqual(made(8));
  });

  test('can all be played, and some are recovered', () => {
    const results = simulate(plainPolicy(), syntheticFailures(200, seededRandom(1)));
    expect(results).toHaveLength(200);
    const recovered = results.filter(({ recovered_after_days }) => recovered_after_days !== null).length;
    expect(recovered).toBeGreaterThan(50);
    expect(recovered).toBeLessThan(180);
  });
});
