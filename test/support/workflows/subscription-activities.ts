/** A database of one row, a provider that gives one answer, and the messages of a subscription's workflow. */
import type { AttemptActivities, AttemptAnswer } from '../../../activities/payment';
import type { Creation, SubscriptionActivities, SubscriptionRecord } from '../../../activities/subscription';
import type { CancelCommand, ChangeCommand } from '../../../contracts/workflows/commands';
import type { Subscription } from '../../../contracts/http/subscriptions';
import type { SubscriptionStatus } from '../../../domain/subscription/subscription';
import { actor } from '../creation';

export function record(
  status: SubscriptionStatus,
  version: number,
  more: Partial<Subscription> = {},
): SubscriptionRecord {
  const subscription = {
    id: 'sub_1',
    customer_id: 'cus_1',
    plan_id: 'gold',
    status,
    version,
    amount: 1000,
    currency: 'EUR',
    period: null,
    open_payment_id: status === 'incomplete' ? 'pay_1' : null,
    pending_change: null,
    ...more,
  } as unknown as Subscription;
  return { subscription, next_due_at: null, first_payment_id: 'pay_1' };
}

export interface Fake {
  activities: SubscriptionActivities & AttemptActivities;
  log: string[];
  row: { current: SubscriptionRecord | null };
  /** Writes the next version. */
  write(status: SubscriptionStatus, more?: Partial<Subscription>): SubscriptionRecord;
}

/** A database of one row and a provider that gives `answer`. */
export function scriptSubscription(answer: AttemptAnswer, settlesAs: SubscriptionStatus = 'active'): Fake {
  const log: string[] = [];
  const row: Fake['row'] = { current: null };
  const write: Fake['write'] = (status, more) => {
    row.current = record(status, (row.current?.subscription.version ?? -1) + 1, more);
    return row.current;
  };
  const committed = (what: string, status: SubscriptionStatus) => async () => {
    log.push(what);
    return { kind: 'committed' as const, record: write(status) };
  };
  /** The creation of the row that is there, or of a new one, charged as the provider answers. */
  const charged = async (): Promise<Creation> => {
    log.push('attempt');
    const begun = row.current ?? write('incomplete');
    if (answer.status !== 'open') {
      log.push('apply first');
      return { kind: 'concluded', record: write(settlesAs) };
    }
    const waitsForCustomer = answer.waits_for_customer === true;
    return { kind: 'open', record: begun, paymentId: 'pay_1', waitsForCustomer };
  };
  const noted = (what: string, status: SubscriptionStatus) => async () => {
    log.push(what);
    return write(status);
  };
  return {
    log,
    row,
    write,
    activities: {
      createSubscription: async () => {
        log.push('begin');
        return charged();
      },
      adoptSubscription: async () => {
        if (row.current === null) return { kind: 'none' };
        const { version } = row.current.subscription;
        return version === 0 ? charged() : { kind: 'concluded', record: row.current };
      },
      loadSubscription: async () => row.current,
      attemptPayment: async ({ trigger }) => {
        log.push(trigger === 'first' ? 'attempt' : `attempt ${trigger}`);
        return answer;
      },
      startFollowUp: async () => void log.push('follow up'),
      applyFirstPayment: noted('apply first', settlesAs),
      applyPayment: noted('apply', 'active'),
      commitCancellation: committed('cancel', 'cancelled'),
      commitPause: committed('pause', 'paused'),
      commitResumption: committed('resume', 'active'),
      commitChange: committed('change', 'active'),
      concludeChange: committed('conclude', 'active'),
      recordDunningStarted: noted('collection started', 'past_due'),
      recordDunningExhausted: noted('collection exhausted', 'expired'),
    },
  };
}

export const command = (id: string): CancelCommand => ({
  command_id: `${id}/cancel`,
  mode: 'now',
  refund: 'none',
  reason: null,
  actor,
});

export const changeCommand: ChangeCommand = {
  command_id: 'change_1',
  actor,
  plan_id: 'platinum',
  quantity: null,
  payment_method_id: null,
  metadata: null,
  cancel_at_period_end: null,
  effective: 'now',
  proration: 'charge_now',
  if_version: null,
  answer_within_ms: 10_000,
};
