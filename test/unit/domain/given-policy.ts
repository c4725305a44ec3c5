/** Policies and failures for the tests of retries: fixed ones, and any that the contract accepts. */
import fc from 'fast-check';
import type { DeclineCode } from '../../../domain/payment/payment';
import type { FailedAttempt, RetryFacts } from '../../../domain/retry/planner';
import {
  finalActions,
  networkLimits,
  shippedPolicy,
  type RetryPolicyDocument,
  type RetryRule,
} from '../../../domain/retry/policy';

/** The shipped policy without preferences, changed by `more`. */
export const plainPolicy = (more: Partial<RetryPolicyDocument> = {}): RetryPolicyDocument => ({
  ...shippedPolicy,
  by_category: {},
  budgets: networkLimits,
  ...more,
});

export const firstFailure = (at: string, code: DeclineCode = 'do_not_honor'): FailedAttempt => ({
  number: 1,
  trigger: 'renewal',
  at,
  code,
  payment_method_id: 'pm_a',
});

/** Facts right after the last of `attempts`, whose payment method is in use and was used for nothing else. */
export function factsOf(
  policy: RetryPolicyDocument,
  attempts: readonly FailedAttempt[],
  more: Partial<RetryFacts> = {},
): RetryFacts {
  const at = attempts.map((attempt) => ({ at: attempt.at }));
  return {
    policy,
    attempts,
    payment_method: { id: 'pm_a', network: 'visa', attempts: at },
    time_zone: 'UTC',
    now: attempts.at(-1)?.at ?? '',
    ...more,
  };
}

export const softCodes = [
  'insufficient_funds',
  'do_not_honor',
  'processing_error',
  'limit_exceeded',
] as const;
export const zones = ['UTC', 'Europe/Moscow', 'Europe/Berlin', 'America/New_York', 'Pacific/Apia'] as const;

const ladder = fc
  .uniqueArray(fc.integer({ min: 1, max: 24 * 20 }), { minLength: 1, maxLength: 6 })
  .map((hours) =>
    hours
      .sort((a, b) => a - b)
      .map((count) => ({ after: count % 24 === 0 ? `P${count / 24}D` : `PT${count}H` })),
  );

const preferences = fc.record<Pick<RetryRule, 'prefer_local_hours' | 'prefer_days_of_month'>>(
  {
    prefer_local_hours: fc
      .tuple(fc.integer({ min: 0, max: 23 }), fc.integer({ min: 1, max: 24 }))
      .filter(([from, to]) => from !== to),
    prefer_days_of_month: fc.uniqueArray(fc.integer({ min: 1, max: 31 }), { minLength: 1, maxLength: 5 }),
  },
  { requiredKeys: [] },
);

const rule = fc
  .tuple(preferences, fc.option(ladder, { nil: undefined }))
  .map(([preferred, own]) => ({ ...preferred, ...(own === undefined ? {} : { ladder: own }) }));

const budget = fc.record({
  attempts: fc.integer({ min: 1, max: 6 }),
  days: fc.integer({ min: 1, max: 30 }),
  per_day: fc.integer({ min: 1, max: 3 }),
});

export const anyPolicy: fc.Arbitrary<RetryPolicyDocument> = fc.record({
  ladder,
  by_category: fc.record(
    { insufficient_funds: rule, processing_error: rule, soft: rule },
    { requiredKeys: [] },
  ),
  budgets: fc.record({ visa: budget, mastercard: budget }),
  grace_days: fc.integer({ min: 1, max: 21 }),
  final_action: fc.constantFrom(...finalActions),
  retry_manual_payments: fc.boolean(),
  notify: fc.constant({ on_failure: true, before_final_days: [3, 1] }),
});

/** Around the changes of the clock, too. */
export const anyInstant = fc
  .date({ min: new Date('2026-01-01'), max: new Date('2028-12-31'), noInvalidDate: true })
  .map((date) => date.toISOString());
