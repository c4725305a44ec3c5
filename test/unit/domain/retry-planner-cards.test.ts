/** Cards that come late, and pauses: what is tried when grace is over, and how the time of a pause is left out. */
import fc from 'fast-check';
import { cardOf } from '../../../domain/retry/card';
import { noticesDue } from '../../../domain/retry/dunning-notices';
import { laterByPauses, type Pause } from '../../../domain/retry/pauses';
import { graceEnd, planNextAttempt, type FailedAttempt } from '../../../domain/retry/planner';
import type { FinalAction } from '../../../domain/retry/policy';
import { anyInstant, anyPolicy, factsOf, firstFailure, plainPolicy, zones } from './given-policy';

const dayMs = 86_400_000;
const first = firstFailure('2027-03-02T12:00:00.000Z');
const end = '2027-03-16T12:00:00.000Z';
const other = { id: 'pm_b', network: 'visa', attempts: [] };
const leaves = plainPolicy({ final_action: 'leave_past_due' });

describe('a card that was not tried yet', () => {
  const year = '2028-03-02T12:00:00.000Z';

  it('W2: is tried at once, also long after a final action that left it past due', () => {
    const facts = factsOf(leaves, [first], { payment_method: other, now: year });
    expect(planNextAttempt(facts)).toEqual({
      kind: 'attempt',
      at: year,
      reason: 'a payment method that was not tried yet',
    });
  });

  it.each<FinalAction>(['expire', 'cancel', 'pause'])(
    'W2: comes too late when the policy says %s',
    (final_action) => {
      const facts = factsOf(plainPolicy({ final_action }), [first], { payment_method: other, now: end });
      expect(planNextAttempt(facts)).toMatchObject({ kind: 'exhausted', at: end });
    },
  );

  it('W2: is tried once: after that nothing is left but the final action', () => {
    const late: FailedAttempt = { ...first, number: 2, at: year, payment_method_id: 'pm_b' };
    const facts = factsOf(leaves, [first, late], { payment_method: other, now: year });
    expect(planNextAttempt(facts)).toMatchObject({ kind: 'exhausted', at: end });
  });

  it('waits for its budget after a final action that left it past due', () => {
    const used = Array.from({ length: 20 }, () => ({ at: '2028-03-01T12:00:00.000Z' }));
    const payment_method = { ...other, attempts: used };
    const planned = planNextAttempt(factsOf(leaves, [first], { payment_method, now: year }));
    expect(planned).toMatchObject({ kind: 'attempt', at: '2028-03-31T12:00:00.000Z' });
  });

  it('W12: is the card, not its payment method: one with the same fingerprint at the same provider is the same', () => {
    const card = (id: string, fingerprint: string | null, provider = 'sandbox') =>
      cardOf({ id, provider, fingerprint });
    expect(card('pm_1', 'f')).toBe(card('pm_2', 'f'));
    expect(card('pm_1', 'f')).not.toBe(card('pm_1', 'g'));
    expect(card('pm_1', 'f')).not.toBe(card('pm_1', 'f', 'stripe'));
    expect(card('pm_1', null)).not.toBe(card('pm_2', null));
  });
});

describe('pauses', () => {
  const pauses = [{ from: '2027-03-04T12:00:00.000Z', to: '2027-06-02T12:00:00.000Z' }];
  const resumed = '2027-06-02T12:00:00.000Z';

  it('W3: grace goes on with what was left: 12 of 14 days', () => {
    expect(graceEnd(plainPolicy(), first.at, 'UTC', pauses)).toBe('2027-06-14T12:00:00.000Z');
    const facts = factsOf(plainPolicy(), [first], { payment_method: other, pauses, now: resumed });
    expect(planNextAttempt(facts)).toMatchObject({ kind: 'attempt', at: resumed });
  });

  it('W3: the same card goes on along its ladder where it stood', () => {
    const second: FailedAttempt = {
      ...first,
      number: 2,
      trigger: 'automatic_retry',
      at: '2027-03-03T12:00:01.000Z',
    };
    const facts = factsOf(plainPolicy(), [first, second], { pauses, now: resumed });
    // The third day: one day of dunning after the resumption.
    expect(planNextAttempt(facts)).toMatchObject({ kind: 'attempt', at: '2027-06-03T12:00:00.000Z' });
  });

  it('W3: a failure in a pause has all of its grace from the resumption on', () => {
    expect(graceEnd(plainPolicy(), '2027-05-01T12:00:00.000Z', 'UTC', pauses)).toBe(
      '2027-06-16T12:00:00.000Z',
    );
  });

  it('W3: a pause that was over before the failure, or began after grace, changes nothing', () => {
    const before = [{ from: '2027-01-01T00:00:00.000Z', to: '2027-02-01T00:00:00.000Z' }];
    const after = [{ from: end, to: resumed }];
    expect(graceEnd(plainPolicy(), first.at, 'UTC', [...before, ...after])).toBe(end);
  });

  it('W3: reminders come before the end that the pauses have moved', () => {
    const plan = {
      kind: 'exhausted',
      at: '2027-06-14T12:00:00.000Z',
      final_action: 'expire',
      reason: '',
    } as const;
    const notices = noticesDue({
      policy: plainPolicy(),
      attempts: [first],
      plan,
      pauses,
      time_zone: 'UTC',
      now: resumed,
      notified: true,
      has_subscription: true,
    });
    expect(notices).toMatchObject({ next_at: '2027-06-11T12:00:00.000Z', final_action_at: plan.at });
  });

  const anyPauses: fc.Arbitrary<Pause[]> = fc
    .array(fc.tuple(fc.integer({ min: -40, max: 90 }), fc.integer({ min: 0, max: 60 })), { maxLength: 5 })
    .map((list) => {
      let freeFromMs = -Infinity;
      return list
        .sort(([a], [b]) => a - b)
        .map(([day, length]) => {
          const fromMs = Math.max(freeFromMs, Date.parse(first.at) + day * dayMs);
          freeFromMs = fromMs + length * dayMs;
          return { from: new Date(fromMs).toISOString(), to: new Date(freeFromMs).toISOString() };
        });
    });

  /** Time since the failure that lies in no pause. */
  const spentMs = (ms: number, sinceMs: number, all: readonly Pause[]) =>
    all.reduce((left, { from, to }) => {
      const fromMs = Math.max(Date.parse(from), sinceMs);
      return left - Math.max(0, Math.min(Date.parse(to), ms) - fromMs);
    }, ms - sinceMs);

  it('property: between a failure and an instant counted from it lies as much time outside of pauses as was counted', () => {
    fc.assert(
      fc.property(anyPauses, fc.integer({ min: 0, max: 60 }), (all, days) => {
        const sinceMs = Date.parse(first.at);
        const ms = laterByPauses(sinceMs + days * dayMs, sinceMs, all);
        expect(spentMs(ms, sinceMs, all)).toBe(days * dayMs);
        // The order of two instants stays.
        expect(laterByPauses(sinceMs + (days + 1) * dayMs, sinceMs, all)).toBeGreaterThan(ms);
      }),
    );
  });

  it('property: a plan after pauses is within the time that grace has left', () => {
    fc.assert(
      fc.property(
        anyPolicy,
        anyPauses,
        fc.constantFrom(...zones),
        fc.nat({ max: 100 }),
        (policy, all, zone, day) => {
          const now = new Date(Date.parse(first.at) + day * dayMs).toISOString();
          const plan = planNextAttempt(factsOf(policy, [first], { pauses: all, time_zone: zone, now }));
          const endMs = Date.parse(graceEnd(policy, first.at, zone, all));
          const atMs = Date.parse('until' in plan ? plan.until : plan.at);
          expect(plan.kind === 'attempt' ? atMs < endMs : atMs === endMs).toBe(true);
        },
      ),
      { numRuns: 300 },
    );
  });

  it('property: without pauses the end of grace is what it was', () => {
    fc.assert(
      fc.property(anyPolicy, anyInstant, fc.constantFrom(...zones), (policy, at, zone) => {
        expect(graceEnd(policy, at, zone, [])).toBe(graceEnd(policy, at, zone));
      }),
    );
  });
});
