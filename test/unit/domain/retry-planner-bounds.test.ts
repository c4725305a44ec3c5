/** Bounds that hold whatever the policy, the history and the clock: each is a property. */
import fc from 'fast-check';
import { declineCodes, type DeclineCode } from '../../../domain/payment/payment';
import { previewOf } from '../../../domain/retry/preview';
import { graceEnd, planNextAttempt, type FailedAttempt, type RetryPlan } from '../../../domain/retry/planner';
import { budgetsOf, type RetryPolicyDocument } from '../../../domain/retry/policy';
import { anyInstant, anyPolicy, softCodes, zones } from './given-policy';

const dayMs = 86_400_000;

interface Story {
  policy: RetryPolicyDocument;
  failedAt: string;
  zone: string;
  network: string | null;
  /** Why the first attempt and each further one fails. */
  codes: DeclineCode[];
  /** Attempts with the same payment method for other payments, in days before the first failure. */
  daysBefore: number[];
  /** How late each attempt is made and fails. */
  lateMs: number[];
  /** After which attempts another payment method comes, and an operator presses retry. */
  methodChanges: boolean[];
  manualRetries: boolean[];
}

const storyOf = (codes: fc.Arbitrary<DeclineCode>): fc.Arbitrary<Story> =>
  fc.record({
    policy: anyPolicy,
    failedAt: anyInstant,
    zone: fc.constantFrom(...zones),
    network: fc.constantFrom('visa', 'mastercard', 'mir', null),
    codes: fc.array(codes, { minLength: 1, maxLength: 8 }),
    daysBefore: fc.array(fc.integer({ min: 0, max: 40 }), { maxLength: 8 }),
    lateMs: fc.array(fc.integer({ min: 0, max: 3 * dayMs }), { minLength: 1, maxLength: 4 }),
    methodChanges: fc.array(fc.boolean(), { minLength: 1, maxLength: 6 }),
    manualRetries: fc.array(fc.boolean(), { minLength: 1, maxLength: 6 }),
  });

interface Made {
  attempt: FailedAttempt;
  /** Of the same payment method, before it. */
  countedBefore: number[];
}

interface Played {
  made: Made[];
  attempts: FailedAttempt[];
  last: RetryPlan;
  endMs: number;
}

const most = 80;
const turn = <T>(list: readonly T[], at: number): T => list[at % list.length] as T;

/** Plans, attempts and fails again until the planner says that there is nothing to attempt. */
function play(story: Story): Played {
  const { policy, failedAt, zone, network } = story;
  const startMs = Date.parse(failedAt);
  const counted = new Map<string, number[]>([
    ['pm_0', story.daysBefore.map((days) => startMs - days * dayMs)],
  ]);
  const attempts: FailedAttempt[] = [];
  const made: Made[] = [];
  const fail = (ms: number, trigger: FailedAttempt['trigger'], method: string) => {
    const at = new Date(ms).toISOString();
    const code = turn(story.codes, attempts.length);
    const attempt = { number: attempts.length + 1, trigger, at, code, payment_method_id: method };
    const before = counted.get(method) ?? [];
    made.push({ attempt, countedBefore: [...before] });
    attempts.push(attempt);
    counted.set(method, [...before, ms]);
  };
  fail(startMs, 'renewal', 'pm_0');
  const endMs = Date.parse(graceEnd(policy, failedAt, zone));
  let nowMs = startMs;
  let methods = 0;
  for (let round = 0; round < most; round += 1) {
    const id = `pm_${methods}`;
    const usage = (counted.get(id) ?? []).map((ms) => ({ at: new Date(ms).toISOString() }));
    const plan = planNextAttempt({
      policy,
      attempts,
      payment_method: { id, network, attempts: usage },
      time_zone: zone,
      now: new Date(nowMs).toISOString(),
    });
    if (plan.kind !== 'attempt') {
      if (methods >= story.methodChanges.length || !turn(story.methodChanges, round)) {
        return { made, attempts, last: plan, endMs };
      }
      methods += 1;
      nowMs += dayMs / 2;
      continue;
    }
    fail(Date.parse(plan.at), 'automatic_retry', id);
    nowMs = Date.parse(plan.at) + turn(story.lateMs, round);
    if (round < story.manualRetries.length && turn(story.manualRetries, round)) {
      nowMs += 1_000;
      fail(nowMs, 'manual_retry', id);
    }
  }
  throw new Error(`it goes on after ${most} attempts`);
}

const automatic = ({ made }: Played) =>
  made.filter(({ attempt: { trigger } }) => trigger === 'automatic_retry');
const any = storyOf(fc.constantFrom(...declineCodes));
const soft = storyOf(fc.constantFrom(...softCodes));
const holds = (stories: fc.Arbitrary<Story>, check: (played: Played, story: Story) => void) =>
  fc.assert(
    fc.property(stories, (story) => check(play(story), story)),
    { numRuns: 300 },
  );

test('every story ends, and without new payment methods after no more attempts than there are rungs', () => {
  holds(any, (played, { policy }) => {
    const rules = Object.values(policy.by_category).map((rule) =>
      typeof rule === 'object' ? rule.ladder : [],
    );
    const steps = [policy.ladder, ...rules].reduce((sum, ladder) => sum + (ladder?.length ?? 0), 0);
    const methods = new Set(played.attempts.map(({ payment_method_id }) => payment_method_id)).size;
    expect(automatic(played).length).toBeLessThanOrEqual(steps + methods - 1);
    const end = 'until' in played.last ? played.last.until : played.last.at;
    expect(Date.parse(end)).toBe(played.endMs);
  });
});

test('an exhausted ladder ends: one reason is tried no more often than its own ladder has rungs', () => {
  const oneReason = storyOf(fc.constantFrom(...softCodes)).map((story) => ({
    ...story,
    codes: story.codes.slice(0, 1),
    methodChanges: [false],
  }));
  holds(oneReason, (played, { policy, codes }) => {
    const rule = policy.by_category[codes[0] as DeclineCode];
    const ofSoft = policy.by_category.soft;
    const ladder =
      (typeof rule === 'object' ? rule.ladder : undefined) ??
      (typeof ofSoft === 'object' ? ofSoft.ladder : undefined) ??
      policy.ladder;
    expect(automatic(played).length).toBeLessThanOrEqual(ladder.length);
    expect(played.last.kind).toBe('exhausted');
  });
});

test('no automatic attempt is outside of a budget', () => {
  holds(soft, (played, { policy, network }) => {
    for (const { attempt, countedBefore } of automatic(played)) {
      const atMs = Date.parse(attempt.at);
      const within = (ms: number) => countedBefore.filter((before) => before > atMs - ms).length + 1;
      for (const { budget } of budgetsOf(policy, network)) {
        expect(within((budget.days ?? 0) * dayMs)).toBeLessThanOrEqual(budget.attempts ?? Infinity);
        expect(within(dayMs)).toBeLessThanOrEqual(budget.per_day ?? Infinity);
      }
    }
  });
});

test('no automatic attempt is made with a payment method that met a hard decline', () => {
  const hardCodes = new Set<DeclineCode>([
    'expired_card',
    'invalid_payment_method',
    'stolen_or_lost',
    'account_closed',
    'revoked_authorization',
    'fraud_suspected',
  ]);
  holds(any, (played) => {
    const refused = new Set<string | null>();
    for (const { code, trigger, payment_method_id } of played.attempts) {
      expect(trigger === 'automatic_retry' && refused.has(payment_method_id)).toBe(false);
      if (hardCodes.has(code)) refused.add(payment_method_id);
    }
  });
});

test('every automatic attempt is before the end of grace, and later than the attempt before it', () => {
  holds(any, (played, { policy }) => {
    played.attempts.forEach((attempt, index) => {
      if (attempt.trigger !== 'automatic_retry') return;
      const before = played.attempts.slice(0, index);
      const isFirst = before.every(({ payment_method_id: card }) => card !== attempt.payment_method_id);
      // Left past due, nothing has ended: a new card is tried once more.
      const boundMs = isFirst && policy.final_action === 'leave_past_due' ? Infinity : played.endMs;
      expect(Date.parse(attempt.at)).toBeLessThan(boundMs);
      expect(Date.parse(attempt.at)).toBeGreaterThan(Date.parse(played.attempts[index - 1]?.at ?? ''));
    });
  });
});

test('the preview announces exactly the attempts that planning makes, step by step', () => {
  const punctual = storyOf(fc.constantFrom(...declineCodes)).map((story) => ({
    ...story,
    codes: story.codes.slice(0, 1),
    lateMs: [0],
    methodChanges: [false],
    manualRetries: [false],
  }));
  holds(punctual, (played, { policy, failedAt, zone, network, codes, daysBefore }) => {
    const entries = previewOf(policy, {
      category: codes[0] as DeclineCode,
      failed_at: failedAt,
      time_zone: zone,
      network,
      earlier_attempts: daysBefore.map((days) => new Date(Date.parse(failedAt) - days * dayMs).toISOString()),
    });
    const announced = entries.filter(({ kind }) => kind === 'attempt').map(({ at }) => at);
    expect(announced).toEqual(automatic(played).map(({ attempt }) => attempt.at));
    const final = entries.at(-1);
    expect([final?.kind, Date.parse(final?.at ?? '')]).toEqual(['final_action', played.endMs]);
  });
});

test('planning again while waiting moves nothing', () => {
  fc.assert(
    fc.property(soft, fc.nat({ max: 1_000 }), (story, part) => {
      const attempts: FailedAttempt[] = [
        {
          number: 1,
          trigger: 'renewal',
          at: story.failedAt,
          code: story.codes[0] as DeclineCode,
          payment_method_id: 'pm_0',
        },
      ];
      const { network, policy, zone: time_zone } = story;
      const payment_method = { id: 'pm_0', network, attempts: [{ at: story.failedAt }] };
      const plan = (now: string) => planNextAttempt({ policy, attempts, payment_method, time_zone, now });
      const before = plan(story.failedAt);
      if (before.kind !== 'attempt') return;
      const startMs = Date.parse(story.failedAt);
      const nowMs = startMs + Math.floor(((Date.parse(before.at) - startMs) * part) / 1_000);
      expect(plan(new Date(nowMs).toISOString())).toMatchObject({ kind: 'attempt', at: before.at });
    }),
    { numRuns: 300 },
  );
});
