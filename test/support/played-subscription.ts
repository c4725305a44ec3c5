/** A database of one row, a provider that gives one answer, and the messages of a subscription's workflow. */
import type { AttemptActivities, AttemptAnswer } from '../../activities/payment';
import type { SubscriptionActivities, SubscriptionRecord } from '../../activities/subscription';
import type { CancelCommand, SubscriptionCreation } from '../../contracts/commands';
import type { Subscription } from '../../contracts/http/subscriptions';
import type { SubscriptionStatus } from '../../domain/subscription';

export const actor = { kind: 'api_key', id: 'key_1', reason: null } as const;

export function record(status: SubscriptionStatus, version: number): SubscriptionRecord {
  const subscription = {
    id: 'sub_1',
    customer_id: 'cus_1',
    plan_id: 'gold',
    status,
    version,
    amount: 1000,
    currency: 'EUR',
    period: null,
  } as unknown as Subscription;
  return { subscription, next_due_at: null, first_payment_id: 'pay_1' };
}

export interface Fake {
  activities: SubscriptionActivities & AttemptActivities;
  log: string[];
  row: { current: SubscriptionRecord | null };
}

/** A database of one row and a provider that gives `answer`. */
export function world(answer: AttemptAnswer, settlesAs: SubscriptionStatus = 'active'): Fake {
  const log: string[] = [];
  const row: Fake['row'] = { current: null };
  const write = (status: SubscriptionStatus): SubscriptionRecord => {
    row.current = record(status, (row.current?.subscription.version ?? -1) + 1);
    return row.current;
  };
  return {
    log,
    row,
    activities: {
      beginCreation: async () => {
        log.push('begin');
        return { kind: 'charge', record: row.current ?? write('incomplete') };
      },
      loadSubscription: async () => row.current,
      attemptPayment: async () => {
        log.push('attempt');
        return answer;
      },
      startFollowUp: async () => void log.push('follow up'),
      applyFirstPayment: async (_, expected) => {
        log.push(`apply at v${expected}`);
        return write(settlesAs);
      },
      commitCancellation: async (_, expected) => {
        log.push(`cancel at v${expected}`);
        if (row.current === null || row.current.subscription.version !== expected) {
          return { kind: 'stale', record: row.current ?? record('active', 0) };
        }
        return { kind: 'committed', record: write('cancelled') };
      },
    },
  };
}

export const creation = (id: string, answerWithinMs: number): SubscriptionCreation => ({
  subscription_id: id,
  customer_id: 'cus_1',
  plan_id: 'gold',
  quantity: 1,
  payment_method_id: 'pm_1',
  trial_days: null,
  start_at: null,
  time_zone: null,
  retry_policy_id: null,
  metadata: {},
  actor,
  command_id: `${id}/create`,
  accept_by: '2100-01-01T00:00:00.000Z',
  answer_within_ms: answerWithinMs,
});

export const command = (id: string): CancelCommand => ({
  command_id: `${id}/cancel`,
  mode: 'now',
  refund: 'none',
  reason: null,
  actor,
});
