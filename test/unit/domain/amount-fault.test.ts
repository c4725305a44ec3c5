/** What the planner makes of an amount that the provider refused: nothing about the payment method. */
import { amountFault, amountFaultCodes, failure, isAmountFault } from '../../../domain/payment/payment';
import { planNextAttempt, type FailedAttempt, type RetryPlan } from '../../../domain/retry/planner';
import { shippedPolicy } from '../../../domain/retry/policy';
import { factsOf, firstFailure, plainPolicy } from './given-policy';

const first = firstFailure('2027-03-02T12:00:00.000Z', 'processing_error');
const atOf = (plan: RetryPlan) => (plan.kind === 'attempt' ? plan.at : plan.kind);

test.each([...amountFaultCodes])(
  '%s is the fault of the amount, as a soft decline that keeps the code',
  (code) => {
    const refused = amountFault('No.', code);
    expect(refused).toMatchObject({ category: 'soft', code: 'processing_error', provider_code: code });
    expect(isAmountFault(refused)).toBe(true);
    expect(isAmountFault(failure('invalid_payment_method', 'No.', code))).toBe(false);
    expect(isAmountFault(failure('processing_error', 'No.', 'processing_error'))).toBe(false);
  },
);

describe('an attempt that failed because of its amount', () => {
  const fault = { ...first, amount_fault: true };

  test.each(['stop', 'wait_for_customer'] as const)(
    'never waits for another payment method or the customer, when the policy has %s for its code',
    (treatment) => {
      const policy = plainPolicy({ by_category: { processing_error: treatment, soft: treatment } });
      expect(planNextAttempt(factsOf(policy, [fault]))).toEqual({
        kind: 'attempt',
        at: '2027-03-03T12:00:00.000Z',
        reason: 'retry 1 of 4, P1D after the first failure',
      });
      const later: FailedAttempt = {
        ...fault,
        number: 2,
        trigger: 'automatic_retry',
        at: '2027-03-03T12:00:01.000Z',
      };
      expect(atOf(planNextAttempt(factsOf(policy, [fault, later])))).toBe('2027-03-05T12:00:00.000Z');
      expect(planNextAttempt(factsOf(policy, [{ ...fault, amount_fault: false }])).kind).not.toBe('attempt');
    },
  );

  test('follows the ladder of its code where the policy has one', () => {
    expect(atOf(planNextAttempt(factsOf(shippedPolicy, [fault])))).toBe('2027-03-02T12:15:00.000Z');
  });
});
