/**
 * When a subscription is due for something by itself, and what that is. Pure; safe for workflows.
 *
 * Invariants: while a period is unpaid no further one is due, and at its end the subscription is past due; what is final
 * or waits for its first payment is never due; when a cancellation and anything else are due at one instant, the cancellation wins.
 */
import { isFinal } from './subscription';
import type { SubscriptionFacts } from './facts';

export const dueCauses = ['start', 'trial_end', 'period_end', 'resume', 'cancel'] as const;
export type DueCause = (typeof dueCauses)[number];

export interface Due {
  at: string;
  cause: DueCause;
  /** The period that begins then; of a cancellation, and where the period is unpaid, the one that ends. */
  period_index: number;
}

/** A message this much too early waits instead of being dropped: schedulers' clocks differ. */
export const earlyByMs = 60_000;

/** What the subscription is due for next, and when; null: nothing happens by itself. */
export function nextDue(subscription: SubscriptionFacts): Due | null {
  const ownDue = dueByStatus(subscription);
  const { cancel_at: cancelAt, period } = subscription;
  if (cancelAt === null || isFinal(subscription.status)) return ownDue;
  if (ownDue !== null && Date.parse(ownDue.at) < Date.parse(cancelAt)) return ownDue;
  return { at: cancelAt, cause: 'cancel', period_index: period?.index ?? 0 };
}

function dueByStatus({ status, period, start_at, resume_at, trial_days }: SubscriptionFacts): Due | null {
  switch (status) {
    case 'scheduled':
      return { at: start_at, cause: 'start', period_index: trial_days > 0 ? 0 : 1 };
    case 'trialing':
      return period && { at: period.end, cause: 'trial_end', period_index: period.index + 1 };
    case 'active':
      return (
        period && {
          at: period.end,
          cause: 'period_end',
          period_index: period.paid ? period.index + 1 : period.index,
        }
      );
    case 'paused':
      return resume_at === null
        ? null
        : { at: resume_at, cause: 'resume', period_index: (period?.index ?? 0) + 1 };
    case 'incomplete':
    case 'past_due':
    case 'cancelled':
    case 'expired':
      return null;
  }
}

/** What a subscription does when something may be due. */
export type DueDecision =
  | { kind: 'nothing' }
  /** Soon: to be judged again at that instant. */
  | { kind: 'early'; at: string }
  | { kind: 'cancel' }
  | { kind: 'begin_trial'; days: number }
  /** `newAnchor`: boundaries are counted from there on, and the period begins there. */
  | { kind: 'open_period'; index: number; cause: DueCause; newAnchor: string | null }
  /** The period is over and was not paid, whatever the reason; its payment is not touched. */
  | { kind: 'past_due' }
  /** The paid period continues, or the unpaid one is retried further. */
  | { kind: 'carry_on'; status: 'active' | 'past_due' };

/**
 * Decides by the row alone: whatever prompted it, and however often, only what the row says is due happens.
 * @param now the database's clock, or the customer's test clock
 */
export function decideDue(subscription: SubscriptionFacts, now: string): DueDecision {
  const due = nextDue(subscription);
  if (due === null) return { kind: 'nothing' };
  const earlyMs = Date.parse(due.at) - Date.parse(now);
  if (earlyMs > 0) return earlyMs <= earlyByMs ? { kind: 'early', at: due.at } : { kind: 'nothing' };
  switch (due.cause) {
    case 'cancel':
      return { kind: 'cancel' };
    case 'start':
      return subscription.trial_days > 0
        ? { kind: 'begin_trial', days: subscription.trial_days }
        : { kind: 'open_period', index: 1, cause: 'start', newAnchor: subscription.start_at };
    case 'trial_end':
      return { kind: 'open_period', index: due.period_index, cause: 'trial_end', newAnchor: due.at };
    case 'period_end':
      if (subscription.period?.paid === false) return { kind: 'past_due' };
      return { kind: 'open_period', index: due.period_index, cause: 'period_end', newAnchor: null };
    case 'resume':
      return decideResumption(subscription, due.at);
  }
}

/**
 * How a pause ends: an unpaid period is retried further, a paid one that has not ended continues; otherwise (ended,
 * or written off) a new period opens at once, with a new anchor.
 * @param at the instant of the resumption
 */
export function decideResumption(
  { period, paused_from }: SubscriptionFacts,
  at: string,
): Extract<DueDecision, { kind: 'carry_on' | 'open_period' }> {
  const writtenOff = paused_from === null;
  if (period?.paid === false && !writtenOff) return { kind: 'carry_on', status: paused_from };
  if (period?.paid === true && Date.parse(period.end) > Date.parse(at))
    return { kind: 'carry_on', status: 'active' };
  return { kind: 'open_period', index: (period?.index ?? 0) + 1, cause: 'resume', newAnchor: at };
}
