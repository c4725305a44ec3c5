import fc from 'fast-check';
import { noticesDue, notifiesCustomers, type NoticeFacts } from '../../../domain/retry/dunning-notices';
import { planNextAttempt, type FailedAttempt } from '../../../domain/retry/planner';
import { previewOf } from '../../../domain/retry/preview';
import type { RetryPolicyDocument } from '../../../domain/retry/policy';
import { anyInstant, anyPolicy, factsOf, firstFailure, plainPolicy, softCodes, zones } from './given-policy';

const failedAt = '2027-03-01T12:00:00.000Z';
/** The end of grace with the shipped policy. */
const endAt = '2027-03-15T12:00:00.000Z';
const inDays = (days: number) => new Date(Date.parse(failedAt) + days * 86_400_000).toISOString();

/** What is due at an instant, with the plan that holds then. */
function dueAt(now: string, more: Partial<NoticeFacts> = {}) {
  const { policy = plainPolicy(), attempts = [firstFailure(failedAt)] } = more;
  const facts = { ...factsOf(policy, attempts), now };
  const plan = planNextAttempt(facts);
  return noticesDue({
    policy,
    attempts,
    plan,
    time_zone: 'UTC',
    now,
    notified: false,
    has_subscription: true,
    ...more,
  });
}

const retried = (trigger: FailedAttempt['trigger'], day = 1): FailedAttempt[] => [
  firstFailure(failedAt),
  { ...firstFailure(inDays(day)), number: 2, trigger },
];

describe('what a customer is told while a payment is collected', () => {
  it('is each failure, and when something is said next', () => {
    expect(dueAt(failedAt)).toEqual({
      failed: true,
      reminder: null,
      ended: false,
      next_at: inDays(11),
      final_action: 'expire',
      final_action_at: endAt,
    });
    expect(dueAt(inDays(1), { attempts: retried('automatic_retry') })).toMatchObject({ failed: true });
  });

  it('is nothing of a failure where the policy says so', () => {
    const policy = plainPolicy({ notify: { on_failure: false, before_final_days: [1] } });
    expect(dueAt(failedAt, { policy })).toMatchObject({ failed: false, next_at: inDays(13) });
    expect(notifiesCustomers(policy)).toBe(true);
    expect(notifiesCustomers(plainPolicy({ notify: { on_failure: false, before_final_days: [] } }))).toBe(
      false,
    );
  });

  it('is no failure of an attempt by hand, unless it is the first that he hears of', () => {
    const attempts = retried('manual_retry');
    expect(dueAt(inDays(1.5), { attempts, notified: true })).toMatchObject({ failed: false });
    expect(dueAt(inDays(1.5), { attempts, notified: false })).toMatchObject({ failed: true });
  });

  it('waits while an attempt is due, which may bring the money', () => {
    const hand = retried('automatic_retry', 11);
    const plan = { kind: 'attempt', at: inDays(11), reason: 'as planned' } as const;
    expect(dueAt(inDays(11), { attempts: hand, plan })).toBeNull();
    expect(dueAt(inDays(11), { attempts: hand })).toMatchObject({ reminder: { days: 3, at: inDays(11) } });
  });

  it('is the latest of the reminders that were missed, and none once the end has come', () => {
    expect(dueAt(inDays(10.9))).toBeNull();
    const attempts = retried('automatic_retry', 8);
    expect(dueAt(inDays(13.5), { attempts })).toMatchObject({ reminder: { days: 1 }, next_at: null });
    expect(dueAt(endAt, { attempts })).toMatchObject({ failed: false, reminder: null, ended: false });
  });

  it.each([
    ['nothing ends', { policy: plainPolicy({ final_action: 'leave_past_due' }), has_subscription: true }],
    ['there is no subscription', { policy: plainPolicy(), has_subscription: false }],
  ])('is that collecting has ended, when %s by which he would hear of it', (_, more) => {
    const attempts = retried('automatic_retry', 13.5);
    const before = dueAt(inDays(13.6), { attempts, ...more });
    expect(before).toMatchObject({ ended: false, next_at: endAt, final_action: 'leave_past_due' });
    expect(dueAt(endAt, { attempts, ...more })).toMatchObject({ ended: true, next_at: null });
    const silent = { ...more.policy, notify: { on_failure: false, before_final_days: [] } };
    expect(dueAt(endAt, { attempts, ...more, policy: silent })).toMatchObject({ ended: false });
  });
});

/** Lives through grace as the retry workflow does, each attempt failing at its instant. */
function remindersLived(policy: RetryPolicyDocument, failure: FailedAttempt, zone: string): string[] {
  const attempts = [failure];
  const firstRequestedAt = new Map<number, string>();
  for (let now = failure.at; ;) {
    const facts = factsOf(policy, attempts, { time_zone: zone, now });
    const plan = planNextAttempt(facts);
    const at = 'until' in plan ? plan.until : plan.at;
    if (plan.kind === 'attempt' && Date.parse(at) <= Date.parse(now)) {
      const number = attempts.length + 1;
      attempts.push({ ...failure, number, trigger: 'automatic_retry', at });
      continue;
    }
    const about = { policy, attempts, plan, time_zone: zone, now, notified: true, has_subscription: true };
    const notices = noticesDue(about);
    if (notices === null) throw new Error('no attempt is due');
    // Asked for again, it is asked for once: what counts is when it was said first.
    const { reminder, next_at: nextAt } = notices;
    if (reminder !== null && !firstRequestedAt.has(reminder.days)) firstRequestedAt.set(reminder.days, now);
    if (plan.kind === 'exhausted' && Date.parse(at) <= Date.parse(now)) return [...firstRequestedAt.values()];
    now = nextAt !== null && Date.parse(nextAt) < Date.parse(at) ? nextAt : at;
  }
}

it('reminds at exactly the instants that the preview announces, whatever the policy', () => {
  const days = fc.uniqueArray(fc.integer({ min: 1, max: 21 }), { maxLength: 4 });
  fc.assert(
    fc.property(
      anyPolicy,
      days,
      anyInstant,
      fc.constantFrom(...zones),
      fc.constantFrom(...softCodes),
      (drawn, before_final_days, at, zone, code) => {
        const policy = { ...drawn, notify: { on_failure: true, before_final_days } };
        const failure = {
          category: code,
          failed_at: at,
          time_zone: zone,
          network: 'visa',
          earlier_attempts: [],
        };
        const announced = previewOf(policy, failure).filter(({ kind }) => kind === 'reminder');
        expect(remindersLived(policy, firstFailure(at, code), zone)).toEqual(
          announced.map((entry) => entry.at),
        );
      },
    ),
  );
});
