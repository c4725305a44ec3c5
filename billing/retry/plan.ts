/**
 * Plans what comes next for a failed payment, and stores it with the customer's notifications before it is waited for.
 *
 * Invariants: a plan follows from the rows alone, so planning twice gives the same plan and one row; plans stay for the
 * timeline; the payment's row shows the next attempt and the next notification; a plan names what would be charged, so
 * that a method that came since is found by the rows.
 */
import { withoutPlan, type WithoutPlan } from '../../domain/retry/eligibility';
import { planNextAttempt, type RetryPlan } from '../../domain/retry/planner';
import { isRetriedAutomatically, type FinalAction } from '../../domain/retry/policy';
import { inTransaction, type Database, type Transaction } from '../../prisma/client';
import { timesFor, type Times } from '../clock';
import { lockPaymentInOrder } from '../locks';
import type { PaymentRow, SubscriptionRow } from '../rows';
import { methodToCharge } from '../payment/card-store';
import { countedMethod, failedAttempts, policyOf } from '../payment/retry-facts';
import { attemptsOf } from '../payment/attempt-store';
import { findPayment } from '../payment/store';
import { requestNotices } from './notices';
import {
  customerOf,
  enqueueNextSteps,
  enqueuePlan,
  enqueuePlannedMethod,
  latestPlan,
  plannedFor,
  type NewPlan,
} from './store';

/** What the process of a failed payment decides by; plain JSON. */
export interface RetryState {
  payment_id: string;
  subscription_id: string | null;
  period_index: number | null;
  /** Of the attempt that would come next. */
  next_number: number;
  /** The customer's time by their test clock; null: it is real. */
  clock_now: string | null;
  /** When the next notification of the customer is due; null: none is known. */
  notice_at: string | null;
  next:
    | { kind: 'attempt'; at: string; reason: string }
    /** For another payment method, the customer, or the end of a pause. */
    | { kind: 'wait'; until: string | null; reason: string }
    | { kind: 'exhausted'; at: string; final_action: FinalAction; reason: string }
    | WithoutPlan;
}

/** Plans the next step. @returns null when there is no such payment */
export async function planRetry(db: Database, paymentId: string): Promise<RetryState | null> {
  if ((await findPayment(db, paymentId)) === null) return null;
  return inTransaction(db, async (tx) => {
    const { payment, subscription, realNow } = await lockPaymentInOrder(tx, paymentId);
    const customer = await customerOf(tx, payment.customer_id);
    const { now } = await timesFor(tx, customer.test_clock_id, realNow);
    const attempts = await attemptsOf(tx, paymentId);
    const unplanned = withoutPlan(payment, subscription?.status ?? null);
    const { next, notice_at } =
      unplanned === null
        ? await planned(tx, payment, subscription, { now, realNow, timeZone: customer.time_zone })
        : { next: unplanned, notice_at: null };
    return {
      payment_id: payment.id,
      subscription_id: payment.subscription_id,
      period_index: payment.period_index,
      next_number: attempts.length + 1,
      clock_now: customer.test_clock_id === null ? null : now.toISOString(),
      notice_at,
      next,
    };
  });
}

async function planned(
  tx: Transaction,
  payment: PaymentRow,
  subscription: SubscriptionRow | null,
  { now, realNow, timeZone: ofCustomer }: Times & { timeZone: string },
): Promise<Pick<RetryState, 'next' | 'notice_at'>> {
  const policy = await policyOf(tx, payment, subscription);
  if (!isRetriedAutomatically(policy.document, payment.kind)) {
    const reason = 'the policy retries no payments of their own';
    return { next: { kind: 'done', reason }, notice_at: null };
  }
  const method = await methodToCharge(tx, payment, subscription);
  const attempts = await failedAttempts(tx, payment.id);
  const timeZone = subscription?.time_zone ?? ofCustomer;
  const plan = planNextAttempt({
    policy: policy.document,
    attempts,
    payment_method: await countedMethod(tx, method, now),
    pauses: payment.pauses,
    time_zone: timeZone,
    now: now.toISOString(),
  });
  const afterAttempt = attempts.at(-1)?.number ?? 0;
  await storePlan(
    tx,
    payment,
    plan,
    { after_attempt: afterAttempt, payment_method_id: method?.id ?? null },
    policy,
    { now, realNow },
  );
  const dunning = { payment, policy: policy.document, attempts, plan, timeZone };
  const noticeAt = await requestNotices(tx, dunning, { now, realNow });
  showNext(tx, payment, plan, noticeAt);
  const next: RetryState['next'] =
    plan.kind === 'attempt' || plan.kind === 'exhausted'
      ? plan
      : { kind: 'wait', until: plan.until, reason: plan.reason };
  return { next, notice_at: noticeAt ?? null };
}

/** What a plan was made from: the latest attempt, and what would be charged. */
type PlannedFrom = Pick<NewPlan, 'after_attempt' | 'payment_method_id'>;

async function storePlan(
  tx: Transaction,
  payment: PaymentRow,
  plan: RetryPlan,
  from: PlannedFrom,
  policy: NewPlan['policy'],
  { now, realNow }: Times,
): Promise<void> {
  const latest = await latestPlan(tx, payment.id);
  const at = plannedFor(plan);
  // An attempt that is due now is planned for a later "now" each time. A pause that has ended moves the instant alone.
  const same =
    latest?.after_attempt === from.after_attempt &&
    latest.kind === plan.kind &&
    latest.reason === plan.reason &&
    (latest.at.getTime() === at.getTime() || (latest.at <= now && at <= now));
  if (!same) {
    const sequence = (latest?.sequence ?? 0) + 1;
    enqueuePlan(tx, { ...from, payment_id: payment.id, sequence, plan, policy, created_at: realNow });
  } else if (latest.payment_method_id !== from.payment_method_id) {
    enqueuePlannedMethod(tx, latest, from.payment_method_id);
  }
}

/** @param noticeAt undefined: as it was */
function showNext(
  tx: Transaction,
  payment: PaymentRow,
  plan: RetryPlan,
  noticeAt: string | null | undefined,
): void {
  const attemptAt = plan.kind === 'attempt' ? new Date(plan.at) : null;
  const shown = payment.next_notice_at;
  const notice = noticeAt === undefined ? shown : noticeAt === null ? null : new Date(noticeAt);
  const isShown = (at: Date | null, next: Date | null) => at?.getTime() === next?.getTime();
  if (isShown(payment.next_attempt_at, attemptAt) && isShown(shown, notice)) return;
  enqueueNextSteps(tx, payment.id, { attemptAt, noticeAt: notice });
}
