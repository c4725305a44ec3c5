/** Requests the notifications of a customer whose failed payment is retried, with the plan that they follow from. */
import { noticesDue, type Notices } from '../../domain/retry/dunning-notices';
import { notificationEventId } from '../../domain/event-ids';
import type { FailedAttempt, RetryPlan } from '../../domain/retry/planner';
import type { RetryPolicyDocument } from '../../domain/retry/policy';
import type { Transaction } from '../../prisma/client';
import type { Times } from '../clock';
import type { PaymentRow } from '../rows';
import {
  notificationsFor,
  requestNotification,
  type WantedNotification,
} from '../notification/request-notification';

export interface PlannedDunning {
  payment: PaymentRow;
  policy: RetryPolicyDocument;
  attempts: readonly FailedAttempt[];
  plan: RetryPlan;
  timeZone: string;
}

/**
 * Requests the notifications that are due.
 * @returns when the next one is due, null: none is; undefined: it stays as it was, because an attempt comes first
 */
export async function requestNotices(
  tx: Transaction,
  { payment, policy, attempts, plan, timeZone }: PlannedDunning,
  times: Times,
): Promise<string | null | undefined> {
  const asked = await notificationsFor(tx, payment.id);
  const notices = noticesDue({
    policy,
    attempts,
    plan,
    pauses: payment.pauses,
    time_zone: timeZone,
    now: times.now.toISOString(),
    notified: asked.size > 0,
    has_subscription: payment.subscription_id !== null,
  });
  if (notices === null) return undefined;
  for (const wanted of wantedBy(notices, plan, attempts.at(-1)?.number ?? 0)) {
    if (asked.has(notificationEventId(wanted.template, payment.id, wanted.about))) continue;
    requestNotification(tx, { type: 'payment', payment }, wanted, times, '/retry-service');
  }
  return notices.next_at;
}

function wantedBy(
  { failed, reminder, ended, final_action, final_action_at }: Notices,
  plan: RetryPlan,
  attempt: number,
): WantedNotification<'payment'>[] {
  const wanted: WantedNotification<'payment'>[] = [];
  if (failed) {
    const customer_must_act = plan.kind === 'wait_for_customer' || plan.kind === 'wait_for_payment_method';
    const next_attempt_at = plan.kind === 'attempt' ? plan.at : null;
    const data = { attempt, customer_must_act, next_attempt_at, final_action, final_action_at };
    wanted.push({ template: 'payment_failed', about: `attempt/${attempt}`, data });
  }
  if (reminder !== null) {
    const data = { days: reminder.days, final_action, final_action_at };
    wanted.push({ template: 'final_action_ahead', about: `days/${reminder.days}`, data });
  }
  if (ended) wanted.push({ template: 'final_action_taken', about: final_action, data: { final_action } });
  return wanted;
}
