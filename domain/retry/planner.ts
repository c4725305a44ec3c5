/**
 * What comes next for a failed payment: an attempt, waiting, or the end of collecting.
 *
 * Owns: that decision. Does not own doing it, nor time: instants are arguments, all of one clock. Not for workflows:
 * it computes dates. Plain JSON in and out. Invariants, whatever the policy says:
 *   1. An attempt is later than every attempt before it, never before `now`, and before the grace period ends; where the
 *      final action leaves it past due, the first attempt with a card may come later.
 *   2. No attempt is outside of the budgets of the payment method's network.
 *   3. No attempt is made with a card that met a hard decline.
 *   4. An amount's fault never waits for another payment method.
 *   5. A rung makes one attempt at most; those that fall on one instant, or were overtaken by an attempt, make none of
 *      their own. A manual attempt uses up no rung that is still ahead.
 *   6. Rungs and grace stand still while the subscription is paused.
 */
import { declineCategory, type AttemptTrigger, type DeclineCode } from '../payment/payment';
import { earliestWithinMs, type CountedAttempt } from './budget';
import { instantText, laterMs, preferredMs } from './calendar';
import { laterByPauses, type Pause } from './pauses';
import {
  durationParts,
  treatmentOf,
  type CompleteRule,
  type FinalAction,
  type RetryPolicyDocument,
  type RetryRule,
  type ScheduleStep,
} from './policy';

const clockToleranceMs = 60_000;

export interface FailedAttempt {
  number: number;
  trigger: AttemptTrigger;
  /** When it failed, RFC 3339. */
  at: string;
  code: DeclineCode;
  /** Its amount was refused, not its payment method. */
  amount_fault?: boolean;
  /** The card, as `card.ts` names it; null: there was none. */
  payment_method_id: string | null;
}

/** What an attempt would be made with now. */
export interface CurrentPaymentMethod {
  /** In the same words as `FailedAttempt.payment_method_id`. */
  id: string;
  /** The card's network or brand; null: not known. */
  network: string | null;
  /** Every attempt with it, over all payments, those of this payment included. */
  attempts: readonly CountedAttempt[];
}

export interface RetryFacts {
  policy: RetryPolicyDocument;
  /** All attempts of the payment; each has failed. At least one. */
  attempts: readonly FailedAttempt[];
  payment_method: CurrentPaymentMethod | null;
  /** When its subscription was paused; left out: never. */
  pauses?: readonly Pause[];
  /** IANA name. */
  time_zone: string;
  now: string;
}

export type RetryPlan =
  | { kind: 'attempt'; at: string; reason: string }
  /** Until another payment method comes, and no longer than `until`, when grace ends. */
  | { kind: 'wait_for_payment_method'; until: string; reason: string }
  /** Until the customer acts or another payment method comes, and no longer than `until`. */
  | { kind: 'wait_for_customer'; until: string; reason: string }
  /** No further attempt; at `at`, now or later, grace ends and the final action is due. */
  | { kind: 'exhausted'; at: string; final_action: FinalAction; reason: string };

/** When collecting ends, if nothing was paid: the first failure, the days of grace, and the pauses within. RFC 3339. */
export function graceEnd(
  policy: RetryPolicyDocument,
  firstFailureAt: string,
  timeZone: string,
  pauses: readonly Pause[] = [],
): string {
  return instantText(graceEndMs(policy, Date.parse(firstFailureAt), timeZone, pauses));
}

/** @throws RangeError without any attempt, or when the zone is unknown */
export function planNextAttempt(facts: RetryFacts): RetryPlan {
  const { policy, attempts, payment_method: method, time_zone: timeZone } = facts;
  const [first] = attempts;
  if (first === undefined) throw new RangeError('A payment without a failed attempt has no retries.');
  const situation: Situation = {
    facts,
    firstMs: Date.parse(first.at),
    endMs: graceEndMs(policy, Date.parse(first.at), timeZone, facts.pauses ?? []),
    soonestMs: Math.max(Date.parse(facts.now), ...attempts.map(({ at }) => Date.parse(at) + 1)),
  };
  const own = attempts.filter((attempt) => attempt.payment_method_id === method?.id);
  const last = own.at(-1);
  if (method !== null && last === undefined) return tryFirst(situation, method);
  const until = instantText(situation.endMs);
  if (situation.soonestMs >= situation.endMs) return graceIsOver(situation);
  if (method === null || last === undefined) {
    return { kind: 'wait_for_payment_method', until, reason: 'the customer has no payment method' };
  }
  const hard = own.find(({ code }) => declineCategory(code) === 'hard');
  const treatment = hard === undefined ? treatmentAfter(policy, last) : 'stop';
  if (treatment === 'stop') {
    const reason = `no further attempt with this payment method after ${hard?.code ?? last.code}`;
    return { kind: 'wait_for_payment_method', until, reason };
  }
  if (treatment === 'wait_for_customer') {
    return { kind: treatment, until, reason: `the customer has to act after ${last.code}` };
  }
  return climb(situation, method, own, treatment);
}

/**
 * Tries a card at once that was not tried yet; where the policy leaves the subscription past due, also after the end of
 * grace, for then nothing has ended.
 */
function tryFirst(situation: Situation, method: CurrentPaymentMethod): RetryPlan {
  const { soonestMs, endMs, facts } = situation;
  const isOver = soonestMs >= endMs;
  if (isOver && facts.policy.final_action !== 'leave_past_due') return graceIsOver(situation);
  const bounded = isOver ? { ...situation, endMs: Infinity } : situation;
  return within(bounded, method, soonestMs, 'a payment method that was not tried yet', {});
}

function graceIsOver(situation: Situation): RetryPlan {
  return exhausted(situation, `the grace period of ${situation.facts.policy.grace_days} days is over`);
}

/** An amount's fault stops no payment method and asks nothing of the customer, whatever the policy says of its code. */
function treatmentAfter(policy: RetryPolicyDocument, { code, amount_fault }: FailedAttempt) {
  const treatment = treatmentOf(policy, code);
  return amount_fault && typeof treatment === 'string' ? { ladder: policy.ladder } : treatment;
}

interface Situation {
  facts: RetryFacts;
  firstMs: number;
  endMs: number;
  /** Not before now, and later than every attempt. */
  soonestMs: number;
}

function graceEndMs(
  policy: RetryPolicyDocument,
  firstMs: number,
  timeZone: string,
  pauses: readonly Pause[],
): number {
  const grace = { days: policy.grace_days, hours: 0, minutes: 0, seconds: 0 };
  return laterByPauses(laterMs(firstMs, timeZone, grace), firstMs, pauses);
}

function exhausted({ facts: { policy }, endMs }: Situation, reason: string): RetryPlan {
  return { kind: 'exhausted', at: instantText(endMs), final_action: policy.final_action, reason };
}

/**
 * The next rung. A payment that fails for another reason than before goes on along that reason's ladder from where time
 * is; when that one has nothing left, the ladder before goes on.
 */
function climb(
  situation: Situation,
  method: CurrentPaymentMethod,
  own: readonly FailedAttempt[],
  rule: CompleteRule,
): RetryPlan {
  for (const ladder of laddersOf(situation, own)) {
    const next = nextStep(situation, ladder, rule);
    if (next === null) continue;
    const { after } = ladder[next.index] as ScheduleStep;
    const reason = `retry ${next.index + 1} of ${ladder.length}, ${after} after the first failure`;
    return within(situation, method, Math.max(next.ms, situation.soonestMs), reason, rule);
  }
  return exhausted(situation, 'no retry is left');
}

/** The ladders that were followed with this payment method, the one of the latest failure first. */
function laddersOf(
  { facts: { policy } }: Situation,
  own: readonly FailedAttempt[],
): Set<readonly ScheduleStep[]> {
  return new Set(
    own
      .toReversed()
      .map((attempt) => treatmentAfter(policy, attempt))
      .flatMap((treatment) => (typeof treatment === 'string' ? [] : [treatment.ladder])),
  );
}

/**
 * The first rung that is not used up. Used up are those that lie before the last attempt, whoever made it; and as many
 * as there were automatic attempts along this ladder, whatever was preferred then and is preferred now.
 */
function nextStep(
  { facts, firstMs, endMs }: Situation,
  ladder: readonly ScheduleStep[],
  rule: RetryRule,
): { index: number; ms: number } | null {
  const { policy, attempts, pauses = [], time_zone: timeZone } = facts;
  let reachedMs = Math.max(...attempts.map(({ at }) => Date.parse(at)));
  const made = attempts.filter((_, at) => ladderBefore(policy, attempts, at) === ladder).length;
  for (const [index, { after }] of ladder.entries()) {
    const duration = durationParts(after);
    if (duration === null) continue;
    const ms = laterByPauses(laterMs(firstMs, timeZone, duration), firstMs, pauses);
    if (ms >= endMs) return null;
    const dueMs = preferred(ms, endMs, timeZone, rule).ms;
    if (index >= made && dueMs > reachedMs) return { index, ms };
    // Rungs that fall on one instant stay one attempt although it came a little early by another clock.
    if (index < made && dueMs - reachedMs < clockToleranceMs) reachedMs = Math.max(reachedMs, dueMs);
  }
  return null;
}

/** The ladder along which an attempt was made; undefined: along none. */
function ladderBefore(
  policy: RetryPolicyDocument,
  attempts: readonly FailedAttempt[],
  at: number,
): readonly ScheduleStep[] | undefined {
  const attempt = attempts[at];
  if (attempt?.trigger !== 'automatic_retry') return undefined;
  const before = attempts
    .slice(0, at)
    .findLast(({ payment_method_id }) => payment_method_id === attempt.payment_method_id);
  const treatment = before === undefined ? 'stop' : treatmentAfter(policy, before);
  return typeof treatment === 'string' ? undefined : treatment.ladder;
}

/** An attempt at `fromMs` or later: within the budgets, then at the preferred times; or none, when grace is too short. */
function within(
  situation: Situation,
  method: CurrentPaymentMethod,
  fromMs: number,
  reason: string,
  rule: RetryRule,
): RetryPlan {
  const { policy, time_zone: timeZone } = situation.facts;
  const allowance = earliestWithinMs(policy, method.network, method.attempts, fromMs);
  if (allowance.ms >= situation.endMs) {
    return exhausted(situation, `${allowance.because ?? 'no time is left'}, and grace ends before that`);
  }
  const { ms, because } = preferred(allowance.ms, situation.endMs, timeZone, rule);
  const moved = [allowance.because, because].filter((why) => why !== null);
  return { kind: 'attempt', at: instantText(ms), reason: [reason, ...moved].join('; ') };
}

/** Moved later to the preferred days and hours; to the hours alone, or not at all, where grace leaves no room. */
function preferred(
  fromMs: number,
  endMs: number,
  timeZone: string,
  { prefer_local_hours: hours, prefer_days_of_month: daysOfMonth }: RetryRule,
): { ms: number; because: string | null } {
  const onDay = preferredMs(fromMs, endMs, timeZone, { hours, daysOfMonth });
  const ms = onDay ?? preferredMs(fromMs, endMs, timeZone, { hours }) ?? fromMs;
  if (onDay === null) return { ms, because: 'no preferred time is left within the grace period' };
  if (ms === fromMs) return { ms, because: null };
  const words = [
    ...(daysOfMonth === undefined ? [] : [`days ${daysOfMonth.join(', ')}`]),
    ...(hours === undefined ? [] : [`hours ${hours[0]} to ${hours[1]}`]),
  ];
  return { ms, because: `moved to the preferred ${words.join(' and ')}` };
}
