import { planNextAttempt, type FailedAttempt, type RetryPlan } from '../../../domain/retry/planner';
import { isRetriedAutomatically, shippedPolicy } from '../../../domain/retry/policy';
import { paymentKinds } from '../../../domain/payment/payment';
import { factsOf, firstFailure, plainPolicy } from './given-policy';

const dayMs = 86_400_000;
const first = firstFailure('2027-03-02T12:00:00.000Z');
const retry = (number: number, at: string, more: Partial<FailedAttempt> = {}): FailedAttempt => ({
  ...first,
  number,
  trigger: 'automatic_retry',
  at,
  ...more,
});
const atOf = (plan: RetryPlan) => (plan.kind === 'attempt' ? plan.at : plan.kind);

describe('the ladder', () => {
  test('counts from the first failure, one rung after the other, and ends; grace runs on', () => {
    const attempts = [first];
    const dates: string[] = [];
    for (let number = 2; number < 10; number += 1) {
      const plan = planNextAttempt(factsOf(plainPolicy(), attempts));
      dates.push(atOf(plan));
      if (plan.kind !== 'attempt') break;
      // As in life, the decline comes a little later than the planned instant.
      attempts.push(retry(number, new Date(Date.parse(plan.at) + 1_500).toISOString()));
    }
    expect(dates).toEqual([
      '2027-03-03T12:00:00.000Z',
      '2027-03-05T12:00:00.000Z',
      '2027-03-07T12:00:00.000Z',
      '2027-03-09T12:00:00.000Z',
      'exhausted',
    ]);
    expect(planNextAttempt(factsOf(plainPolicy(), attempts))).toEqual({
      kind: 'exhausted',
      at: '2027-03-16T12:00:00.000Z',
      final_action: 'expire',
      reason: 'no retry is left',
    });
  });

  test('of a category is followed instead of the policy’s', () => {
    const plan = planNextAttempt(factsOf(shippedPolicy, [firstFailure(first.at, 'processing_error')]));
    expect(plan).toMatchObject({
      at: '2027-03-02T12:15:00.000Z',
      reason: 'retry 1 of 3, PT15M after the first failure',
    });
  });

  test('days are local days and hours are hours across a change of the clock', () => {
    // Berlin goes to summer time on 28 March 2027.
    const facts = factsOf(plainPolicy(), [firstFailure('2027-03-27T12:00:00.000Z')], {
      time_zone: 'Europe/Berlin',
    });
    expect(atOf(planNextAttempt(facts))).toBe('2027-03-28T11:00:00.000Z');
    const policy = plainPolicy({ ladder: [{ after: 'PT24H' }] });
    expect(atOf(planNextAttempt({ ...facts, policy }))).toBe('2027-03-28T12:00:00.000Z');
  });

  test('a rung that was missed is made up for at once, and those missed with it are not', () => {
    const facts = factsOf(plainPolicy(), [first], { now: '2027-03-06T09:00:00.000Z' });
    expect(atOf(planNextAttempt(facts))).toBe(facts.now);
    const attempts = [first, retry(2, facts.now)];
    expect(atOf(planNextAttempt(factsOf(plainPolicy(), attempts)))).toBe('2027-03-07T12:00:00.000Z');
  });

  test('a manual retry makes up for a rung that was missed', () => {
    const manual = retry(2, '2027-03-03T14:00:00.000Z', { trigger: 'manual_retry' });
    expect(atOf(planNextAttempt(factsOf(plainPolicy(), [first, manual])))).toBe('2027-03-05T12:00:00.000Z');
  });

  test('a manual retry uses up no rung that is ahead', () => {
    const manual = retry(2, '2027-03-02T18:00:00.000Z', { trigger: 'manual_retry' });
    expect(atOf(planNextAttempt(factsOf(plainPolicy(), [first, manual])))).toBe('2027-03-03T12:00:00.000Z');
  });

  test('another reason is retried along its own ladder from there on, and then along the one before', () => {
    const late = retry(2, '2027-03-03T12:00:01.000Z', { code: 'processing_error' });
    const plan = planNextAttempt(
      factsOf(plainPolicy({ by_category: shippedPolicy.by_category }), [first, late]),
    );
    expect(plan).toMatchObject({
      at: '2027-03-05T12:00:00.000Z',
      reason: 'retry 2 of 4, P3D after the first failure',
    });
  });

  test('an attempt that came early by another clock is not made again', () => {
    const attempts = [first, retry(2, '2027-03-03T11:59:58.000Z')];
    expect(atOf(planNextAttempt(factsOf(plainPolicy(), attempts)))).toBe('2027-03-05T12:00:00.000Z');
  });

  test('a rung at the end of grace or beyond makes no attempt', () => {
    const policy = plainPolicy({ ladder: [{ after: 'P14D' }], grace_days: 14 });
    expect(planNextAttempt(factsOf(policy, [first]))).toMatchObject({
      kind: 'exhausted',
      reason: 'no retry is left',
    });
  });
});

describe('preferred times', () => {
  const prefer = (more: object, grace_days = 14) =>
    plainPolicy({ by_category: { do_not_honor: more }, grace_days });

  test('move an attempt later, to the preferred hours of the customer’s zone', () => {
    const policy = prefer({ prefer_local_hours: [8, 11] });
    const plan = planNextAttempt(factsOf(policy, [first], { time_zone: 'Europe/Moscow' }));
    expect(plan).toMatchObject({
      at: '2027-03-04T05:00:00.000Z',
      reason: 'retry 1 of 4, P1D after the first failure; moved to the preferred hours 8 to 11',
    });
  });

  test('leave an attempt where it is when it is within them; the hour at the end is outside', () => {
    const policy = prefer({ prefer_local_hours: [12, 13] });
    expect(atOf(planNextAttempt(factsOf(policy, [first])))).toBe('2027-03-03T12:00:00.000Z');
    const ended = prefer({ prefer_local_hours: [11, 12] });
    expect(atOf(planNextAttempt(factsOf(ended, [first])))).toBe('2027-03-04T11:00:00.000Z');
  });

  test('may go over midnight', () => {
    const policy = prefer({ prefer_local_hours: [22, 6] });
    expect(atOf(planNextAttempt(factsOf(policy, [first])))).toBe('2027-03-03T22:00:00.000Z');
    const night = firstFailure('2027-03-02T03:30:00.000Z');
    expect(atOf(planNextAttempt(factsOf(policy, [night])))).toBe('2027-03-03T03:30:00.000Z');
  });

  test('rungs that fall on one instant make one attempt', () => {
    const policy = prefer({ prefer_days_of_month: [10], prefer_local_hours: [8, 11] });
    const attempts = [first, retry(2, '2027-03-10T08:00:01.000Z')];
    expect(atOf(planNextAttempt(factsOf(policy, [first])))).toBe('2027-03-10T08:00:00.000Z');
    expect(planNextAttempt(factsOf(policy, attempts)).kind).toBe('exhausted');
    const early = [first, retry(2, '2027-03-10T07:59:59.000Z')];
    expect(planNextAttempt(factsOf(policy, early)).kind).toBe('exhausted');
  });

  test('31 means the last day of a shorter month', () => {
    const policy = prefer({ prefer_days_of_month: [31] });
    const facts = factsOf(policy, [firstFailure('2027-02-20T12:00:00.000Z')]);
    expect(atOf(planNextAttempt(facts))).toBe('2027-02-28T00:00:00.000Z');
  });

  test('never move past grace: the hours alone count then, and then nothing', () => {
    const both = { prefer_days_of_month: [25], prefer_local_hours: [8, 11] };
    expect(planNextAttempt(factsOf(prefer(both), [first]))).toMatchObject({
      at: '2027-03-04T08:00:00.000Z',
      reason: 'retry 1 of 4, P1D after the first failure; no preferred time is left within the grace period',
    });
    const policy = { ...prefer({ prefer_local_hours: [8, 11] }, 1), ladder: [{ after: 'PT22H' }] };
    expect(atOf(planNextAttempt(factsOf(policy, [first])))).toBe('2027-03-03T10:00:00.000Z');
    const short = { ...policy, ladder: [{ after: 'PT23H30M' }] };
    expect(atOf(planNextAttempt(factsOf(short, [first])))).toBe('2027-03-03T11:30:00.000Z');
  });

  test('skip a day on which the clock leaves them out', () => {
    // Berlin has no 02:00 to 03:00 on 28 March 2027.
    const policy = prefer({ prefer_local_hours: [2, 3] });
    const facts = factsOf(policy, [firstFailure('2027-03-26T12:00:00.000Z')], { time_zone: 'Europe/Berlin' });
    expect(atOf(planNextAttempt(facts))).toBe('2027-03-29T00:00:00.000Z');
  });
});

describe('budgets', () => {
  const tried = (count: number, at: string) => Array.from({ length: count }, () => ({ at }));
  const method = (network: string | null, attempts: { at: string }[]) => ({ id: 'pm_a', network, attempts });

  test('of visa: the 21st attempt waits until the oldest of 20 is 30 days old', () => {
    const attempts = [...tried(1, '2027-02-08T00:00:00.000Z'), ...tried(19, first.at)];
    const plan = planNextAttempt(
      factsOf(plainPolicy(), [first], { payment_method: method('Visa', attempts) }),
    );
    expect(plan).toMatchObject({
      at: '2027-03-10T00:00:00.000Z',
      reason: 'retry 1 of 4, P1D after the first failure; visa allows 20 attempts in 30 days',
    });
  });

  test('of mastercard: 10 in a day', () => {
    const policy = plainPolicy({ ladder: [{ after: 'PT1H' }] });
    const payment_method = method('mastercard', tried(10, first.at));
    expect(atOf(planNextAttempt(factsOf(policy, [first], { payment_method })))).toBe(
      '2027-03-03T12:00:00.000Z',
    );
  });

  test.each([null, 'mir'])('of a network that the policy does not name (%s): all of them', (network) => {
    const policy = plainPolicy({ ladder: [{ after: 'PT1H' }] });
    const daily = method(network, tried(10, first.at));
    expect(atOf(planNextAttempt(factsOf(policy, [first], { payment_method: daily })))).toBe(
      '2027-03-03T12:00:00.000Z',
    );
    const monthly = method(network, tried(20, first.at));
    expect(planNextAttempt(factsOf(policy, [first], { payment_method: monthly })).kind).toBe('exhausted');
  });

  test('that grace does not outlast end collecting, and say why', () => {
    const payment_method = method('visa', tried(20, first.at));
    expect(planNextAttempt(factsOf(plainPolicy(), [first], { payment_method }))).toMatchObject({
      kind: 'exhausted',
      at: '2027-03-16T12:00:00.000Z',
      reason: 'visa allows 20 attempts in 30 days, and grace ends before that',
    });
  });
});

describe('payment methods', () => {
  const hard = firstFailure(first.at, 'expired_card');

  test('a hard decline waits for another one, until grace ends', () => {
    expect(planNextAttempt(factsOf(plainPolicy(), [hard]))).toEqual({
      kind: 'wait_for_payment_method',
      until: '2027-03-16T12:00:00.000Z',
      reason: 'no further attempt with this payment method after expired_card',
    });
  });

  test('a new one is tried at once, whatever the hour, and then the ladder goes on', () => {
    const policy = plainPolicy({ by_category: { soft: { prefer_local_hours: [8, 11] } } });
    const now = '2027-03-06T18:00:00.000Z';
    const payment_method = { id: 'pm_b', network: 'visa', attempts: [] };
    expect(planNextAttempt(factsOf(policy, [hard], { payment_method, now }))).toEqual({
      kind: 'attempt',
      at: now,
      reason: 'a payment method that was not tried yet',
    });
    const attempts = [hard, retry(2, '2027-03-06T18:00:01.000Z', { payment_method_id: 'pm_b' })];
    const plan = planNextAttempt(
      factsOf(policy, attempts, { payment_method, now: '2027-03-06T18:00:01.000Z' }),
    );
    expect(plan).toMatchObject({ at: '2027-03-08T08:00:00.000Z' });
  });

  test('one that met a hard decline is never tried again, although another was tried since', () => {
    const other = retry(2, '2027-03-04T12:00:00.000Z', { payment_method_id: 'pm_b' });
    expect(planNextAttempt(factsOf(plainPolicy(), [hard, other])).kind).toBe('wait_for_payment_method');
  });

  test('one that an operator tried beside it does not make the customer’s own a new one', () => {
    const beside = retry(2, '2027-03-02T18:00:00.000Z', {
      trigger: 'manual_retry',
      payment_method_id: 'pm_b',
      code: 'stolen_or_lost',
    });
    expect(atOf(planNextAttempt(factsOf(plainPolicy(), [first, beside])))).toBe('2027-03-03T12:00:00.000Z');
  });

  test('without any, it is waited for', () => {
    expect(planNextAttempt(factsOf(plainPolicy(), [first], { payment_method: null }))).toMatchObject({
      kind: 'wait_for_payment_method',
      reason: 'the customer has no payment method',
    });
  });
});

describe('what a policy says of a decline', () => {
  test.each([
    ['authentication_required', {}, 'wait_for_customer'],
    ['not_completed', {}, 'wait_for_customer'],
    ['authentication_required', { authentication_required: {} }, 'attempt'],
    ['do_not_honor', { soft: 'stop' }, 'wait_for_payment_method'],
    ['do_not_honor', { soft: 'stop', do_not_honor: {} }, 'attempt'],
    ['expired_card', { hard: {} }, 'wait_for_payment_method'],
    ['expired_card', { expired_card: {} }, 'wait_for_payment_method'],
  ] as const)('%s under %j: %s', (code, by_category, kind) => {
    const policy = plainPolicy({ by_category: by_category as never });
    expect(planNextAttempt(factsOf(policy, [firstFailure(first.at, code)])).kind).toBe(kind);
  });

  test('when grace is over nothing is tried, not even a new payment method', () => {
    const payment_method = { id: 'pm_b', network: 'visa', attempts: [] };
    const now = new Date(Date.parse(first.at) + 14 * dayMs).toISOString();
    expect(planNextAttempt(factsOf(plainPolicy(), [first], { payment_method, now }))).toEqual({
      kind: 'exhausted',
      at: now,
      final_action: 'expire',
      reason: 'the grace period of 14 days is over',
    });
  });
});

test('renewals are retried by themselves, payments of a person only where the policy says so, first ones never', () => {
  const retried = (policy: typeof shippedPolicy) =>
    paymentKinds.filter((kind) => isRetriedAutomatically(policy, kind));
  expect(retried(shippedPolicy)).toEqual(['renewal']);
  expect(retried({ ...shippedPolicy, retry_manual_payments: true })).toEqual(['renewal', 'manual']);
});
