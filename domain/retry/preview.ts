/**
 * Every future date of a failed payment, if nothing is paid: attempts, reminders, the final action.
 *
 * Owns: playing a policy forward. Does not own a rule of it: every attempt is the answer of `planNextAttempt`, failing
 * at its instant for the same reason as before. Not for workflows: it computes dates.
 */
import { declineCategory, declineCodes, type DeclineCategory, type DeclineCode } from '../payment/payment';
import { daysBeforeMs, instantText, localText } from './calendar';
import type { Pause } from './pauses';
import { graceEnd, planNextAttempt, type FailedAttempt } from './planner';
import type { RetryPolicyDocument } from './policy';

export const previewKinds = ['attempt', 'reminder', 'final_action'] as const;

export interface PreviewEntry {
  kind: (typeof previewKinds)[number];
  /** RFC 3339, UTC. */
  at: string;
  /** The same instant with the offset of the customer's zone. */
  local: string;
  reason: string;
}

export interface AssumedFailure {
  category: DeclineCode | DeclineCategory;
  failed_at: string;
  time_zone: string;
  network: string | null;
  /** Instants of attempts with the same payment method before, whatever they were for. */
  earlier_attempts: readonly string[];
}

/** When reminders are due before the final action: those that lie after the first failure, oldest first. */
export function remindersOf(
  policy: RetryPolicyDocument,
  firstFailureAt: string,
  timeZone: string,
  pauses: readonly Pause[] = [],
): { at: string; days: number }[] {
  const endMs = Date.parse(graceEnd(policy, firstFailureAt, timeZone, pauses));
  return policy.notify.before_final_days
    .map((days) => ({ at: instantText(daysBeforeMs(endMs, timeZone, days)), days }))
    .filter(({ at }) => Date.parse(at) > Date.parse(firstFailureAt))
    .sort((a, b) => Date.parse(a.at) - Date.parse(b.at));
}

/** All of it in the order of time; at one instant attempts come first and the final action last. */
export function previewOf(policy: RetryPolicyDocument, failure: AssumedFailure): PreviewEntry[] {
  const { failed_at, time_zone: zone } = failure;
  const entry = (kind: PreviewEntry['kind'], at: string, reason: string): PreviewEntry => {
    const ms = Date.parse(at);
    return { kind, at: instantText(ms), local: localText(ms, zone), reason };
  };
  const { attempts, why } = playedForward(policy, failure);
  const end = graceEnd(policy, failed_at, zone);
  const final = `${policy.final_action}: the grace period of ${policy.grace_days} days ends; ${why}`;
  return [
    ...attempts.map(({ at, reason }) => entry('attempt', at, reason)),
    ...remindersOf(policy, failed_at, zone).map(({ at, days }) =>
      entry('reminder', at, `${days} ${days === 1 ? 'day' : 'days'} before the final action`),
    ),
    entry('final_action', end, final),
  ].sort((a, b) => Date.parse(a.at) - Date.parse(b.at));
}

/** The attempts, each failing as the first did, and why there is no further one. */
function playedForward(
  policy: RetryPolicyDocument,
  { category, failed_at, time_zone, network, earlier_attempts }: AssumedFailure,
): { attempts: { at: string; reason: string }[]; why: string } {
  const code = codeFor(policy, category);
  const id = 'payment method';
  const failed: FailedAttempt[] = [
    { number: 1, trigger: 'renewal', at: failed_at, code, payment_method_id: id },
  ];
  const made: { at: string; reason: string }[] = [];
  for (;;) {
    const attempts = [...earlier_attempts.map((at) => ({ at })), ...failed.map(({ at }) => ({ at }))];
    const now = failed.at(-1)?.at ?? failed_at;
    const payment_method = { id, network, attempts };
    const plan = planNextAttempt({ policy, attempts: failed, payment_method, time_zone, now });
    if (plan.kind !== 'attempt') return { attempts: made, why: plan.reason };
    made.push({ at: plan.at, reason: plan.reason });
    failed.push({
      number: failed.length + 1,
      trigger: 'automatic_retry',
      at: plan.at,
      code,
      payment_method_id: id,
    });
  }
}

/** A code itself; of a category one for which the policy has no word of its own. */
function codeFor(policy: RetryPolicyDocument, name: DeclineCode | DeclineCategory): DeclineCode {
  const code = declineCodes.find((known) => known === name);
  if (code !== undefined) return code;
  const ofCategory = declineCodes.filter((known) => declineCategory(known) === name);
  return (
    ofCategory.find((known) => policy.by_category[known] === undefined) ?? (ofCategory[0] as DeclineCode)
  );
}
