/** Renewals that failed on real rows, by their customers' clocks, and what their retries plan and do. */
import { createSubscriptionActivities, type SubscriptionActivities } from '../../activities/subscription';
import { attemptPayment } from '../../billing/payment/attempt';
import type { AttemptAnswer } from '../../billing/payment/begin-attempt';
import { writeRetryPolicy } from '../../billing/payment/retry-policies';
import { planRetry, type RetryState } from '../../billing/retry/plan';
import { recordDunningExhausted, recordDunningStarted } from '../../billing/subscription/dunning';
import type { SubscriptionCreation } from '../../contracts/workflows/commands';
import { periodPaymentId } from '../../domain/ids';
import { shippedPolicy, type FinalAction } from '../../domain/retry/policy';
import { completed, declinedAs, type TestBilling } from './billing';
import { actor } from './creation';
import { fakeMessenger } from './fake-messenger';
import { startLife, type SubscriptionLife } from './subscription-life';

export interface FailedRenewal {
  lived: SubscriptionLife;
  /** The renewal. */
  paymentId: string;
  customerId: string;
  /** What the retry plans now. */
  plan(): Promise<RetryState['next'] | undefined>;
  /** Makes the attempt that comes next. */
  attempt(): Promise<AttemptAnswer>;
  /** The subscription learns that its payment is retried no more. */
  giveUp(action: FinalAction): Promise<string>;
}

/** A subscription of 1 January whose renewal of 1 February failed; it is past due. */
export async function failRenewal(
  given: TestBilling,
  more: Partial<SubscriptionCreation> = {},
): Promise<FailedRenewal> {
  const { db } = given;
  given.provider.charges = [completed];
  const lived = await startLife(given, '2031-01-01T12:00:00.000Z', more);
  given.provider.charges = [declinedAs('do_not_honor')];
  const renewal = (more.trial_days ?? 0) > 0 ? 1 : 2;
  await lived.advance('2031-02-01T12:00:00.000Z');
  const paymentId = periodPaymentId(lived.id, renewal);
  const reported = { payment_id: paymentId, period_index: renewal };
  await recordDunningStarted(given, lived.id, reported);
  const { customer_id: customerId } = await db.payment.findUniqueOrThrow({ where: { id: paymentId } });
  const plan = async () => (await planRetry(db, paymentId))?.next;
  await plan();
  return {
    lived,
    paymentId,
    customerId,
    plan,
    async attempt() {
      const number = (await db.paymentAttempt.count({ where: { payment_id: paymentId } })) + 1;
      return attemptPayment(given, { payment_id: paymentId, number, trigger: 'automatic_retry' });
    },
    async giveUp(action) {
      const exhausted = { ...reported, final_action: action };
      return (await recordDunningExhausted(given, lived.id, exhausted)).subscription.status;
    },
  };
}

/** A policy that is the shipped one, but for its final action. */
export async function policyThat(given: TestBilling, final_action: FinalAction): Promise<string> {
  const document = { ...shippedPolicy, final_action };
  const at = new Date('2031-01-01T00:00:00.000Z');
  await writeRetryPolicy(given.db, { id: final_action, document, actor, at, expected: null });
  return final_action;
}

export interface Sent {
  activities: SubscriptionActivities;
  /** `payment reason` of each retry that was started or woken. */
  woken: string[];
}

/** The Subscription Service's activities, and what they send to retries. */
export function activitiesOf(given: TestBilling): Sent {
  const woken: string[] = [];
  const messenger = fakeMessenger({
    startRetry: async (paymentId, why) => void woken.push(`${paymentId} ${why}`),
  });
  return { activities: createSubscriptionActivities({ ...given, messenger }), woken };
}
