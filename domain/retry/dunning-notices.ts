/**
 * What a customer is told while a failed payment is collected: that an attempt failed, reminders, the end.
 *
 * Owns: what is due to be said, and when something is next. Does not own the dates (`retry-preview.ts` announces the
 * very same ones) nor the saying. Not for workflows: it computes dates. Invariants: while an attempt is due nothing is
 * said, for it may bring the money; nothing is announced that has come already; of reminders that were missed only the
 * latest is made up for, and only before the final action.
 */
import type { Pause } from './pauses';
import { graceEnd, type FailedAttempt, type RetryPlan } from './planner';
import type { FinalAction, RetryPolicyDocument } from './policy';
import { remindersOf } from './preview';

export interface NoticeFacts {
  policy: RetryPolicyDocument;
  /** All attempts of the payment; each has failed. At least one. */
  attempts: readonly FailedAttempt[];
  plan: RetryPlan;
  /** When its subscription was paused; left out: never. */
  pauses?: readonly Pause[];
  time_zone: string;
  now: string;
  /** Whether the customer was told anything about this payment before. */
  notified: boolean;
  has_subscription: boolean;
}

export interface Notices {
  /** The latest attempt failed. */
  failed: boolean;
  reminder: { days: number; at: string } | null;
  /** Collecting has ended, and no subscription ends with it that would say so. */
  ended: boolean;
  /** When something has to be said next; null: nothing has. */
  next_at: string | null;
  final_action: FinalAction;
  final_action_at: string;
}

/** Whether customers are told of failed payments at all. */
export function notifiesCustomers({ notify }: RetryPolicyDocument): boolean {
  return notify.on_failure || notify.before_final_days.length > 0;
}

/** null: an attempt is due, which comes first. @throws RangeError without any attempt */
export function noticesDue(facts: NoticeFacts): Notices | null {
  const { policy, attempts, plan, pauses = [], time_zone: timeZone, notified } = facts;
  const [first, last] = [attempts[0], attempts.at(-1)];
  if (first === undefined || last === undefined) throw new RangeError('A payment that did not fail.');
  const now = Date.parse(facts.now);
  const final_action_at = graceEnd(policy, first.at, timeZone, pauses);
  const final_action = facts.has_subscription ? policy.final_action : 'leave_past_due';
  const endsAlone = final_action === 'leave_past_due' && notifiesCustomers(policy);
  if (plan.kind === 'attempt' && Date.parse(plan.at) <= now) return null;
  if (Date.parse(final_action_at) <= now) {
    return {
      failed: false,
      reminder: null,
      ended: endsAlone,
      next_at: null,
      final_action,
      final_action_at,
    };
  }
  const reminders = remindersOf(policy, first.at, timeZone, pauses);
  const ahead = reminders.find(({ at }) => Date.parse(at) > now);
  return {
    // Who tries by hand knows of it, and speaks with the customer.
    failed: policy.notify.on_failure && (last.trigger !== 'manual_retry' || !notified),
    reminder: reminders.findLast(({ at }) => Date.parse(at) <= now) ?? null,
    ended: false,
    next_at: ahead?.at ?? (endsAlone ? final_action_at : null),
    final_action,
    final_action_at,
  };
}
