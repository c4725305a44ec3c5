/**
 * What comes next for a failed payment, stored before anybody waits for it, with what the customer is told meanwhile.
 *
 * Invariants: a plan follows from the rows alone, so that planning twice gives the same plan and one row; what was
 * planned stays for the timeline; the payment's row shows the next attempt and the next reminder.
 */
import { withoutPlan } from '../../domain/retry/eligibility';
import { planNextAttempt, type RetryPlan } from '../../domain/retry/planner';
import { isRetriedAutomatically, type FinalAction } from '../../domain/retry/policy';
import { inTransaction, type Database, type Transaction } from '../../prisma/client';
import { timesFor, type Times } from '../clock';
import { lockPaymentInOrder } from '../locks';
import type { PaymentRow, SubscriptionRow } from '../rows';
import { countedMethod, failedAttempts, methodToCharge, policyOf } from '../payment/retry-facts';
import { requestNotices } from './notices';

/** What the process of a failed payment decides by; plain JSON. */
export interface RetryState {
  payment_id: string;
  subscription_id: string | null;
  period_index: number | null;
  /** Of the attempt that would come next. */
  next_number: number;
  /** The customer's time, when a test clock tells it; null: it is real. */
  clock_now: string | null;
  /** When the customer is to be told something next, whatever else is waited for; null: nothing is known of. */
  notice_at: string | null;
  next:
    | { kind: 'attempt'; at: string; reason: string }
    /** For another payment method, the customer, or the end of a pause. */
    | { kind: 'wait'; until: string | null; reason: string }
    /** An attempt has no outcome yet. */
    | { kind: 'open' }
    | { kind: 'exhausted'; at: string; final_action: FinalAction; reason: string }
    /** Nothing is collected by this process any more. */
    | { kind: 'done'; reason: string };
}

/** Null when there is no such payment. */
export async function planRetry(db: Database, paymentId: string): Promise<RetryState | null> {
  if ((await db.payment.count({ where: { id: paymentId } })) === 0) return null;
  return inTransaction(db, async (tx) => {
    const { payment, subscription } = await lockPaymentInOrder(tx, paymentId);
    const customer = await tx.customer.findUniqueOrThrow({ where: { id: payment.customer_id } });
    const { now, realNow } = await timesFor(tx, customer.test_clock_id);
    const attempts = await tx.paymentAttempt.count({ where: { payment_id: paymentId } });
    const outside = withoutPlan(payment, subscription?.status ?? null);
    const { next, notice_at } =
      outside === null
        ? await planned(tx, payment, subscription, { now, realNow, timeZone: customer.time_zone })
        : { next: outside, notice_at: null };
    return {
      payment_id: payment.id,
      subscription_id: payment.subscription_id,
      period_index: payment.period_index,
      next_number: attempts + 1,
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
    time_zone: timeZone,
    now: now.toISOString(),
  });
  await store(tx, payment, plan, attempts.at(-1)?.number ?? 0, policy, realNow);
  const dunning = { payment, policy: policy.document, attempts, plan, timeZone };
  const noticeAt = await requestNotices(tx, dunning, { now, realNow });
  await showNext(tx, payment, plan, noticeAt);
  const next: RetryState['next'] =
    plan.kind === 'attempt' || plan.kind === 'exhausted'
      ? plan
      : { kind: 'wait', until: plan.until, reason: plan.reason };
  return { next, notice_at: noticeAt ?? null };
}

async function store(
  tx: Transaction,
  payment: PaymentRow,
  plan: RetryPlan,
  afterAttempt: number,
  policy: { id: string; version: number },
  realNow: Date,
): Promise<void> {
  const latest = await tx.retryPlan.findFirst({
    where: { payment_id: payment.id },
    orderBy: { sequence: 'desc' },
  });
  // An attempt that is due now is planned for a later "now" each time it is asked about.
  const same =
    latest?.after_attempt === afterAttempt && latest.kind === plan.kind && latest.reason === plan.reason;
  if (same) return;
  await tx.retryPlan.create({
    data: {
      payment_id: payment.id,
      sequence: (latest?.sequence ?? 0) + 1,
      after_attempt: afterAttempt,
      kind: plan.kind,
      at: new Date('until' in plan ? plan.until : plan.at),
      reason: plan.reason,
      final_action: plan.kind === 'exhausted' ? plan.final_action : null,
      policy_id: policy.id,
      policy_version: policy.version,
      created_at: realNow,
    },
  });
}

/** @param noticeAt undefined: as it was */
async function showNext(
  tx: Transaction,
  payment: PaymentRow,
  plan: RetryPlan,
  noticeAt: string | null | undefined,
): Promise<void> {
  const attemptAt = plan.kind === 'attempt' ? new Date(plan.at) : null;
  const shown = payment.next_notice_at;
  const notice = noticeAt === undefined ? shown : noticeAt === null ? null : new Date(noticeAt);
  const isShown = (at: Date | null, next: Date | null) => at?.getTime() === next?.getTime();
  if (isShown(payment.next_attempt_at, attemptAt) && isShown(shown, notice)) return;
  await tx.payment.update({
    where: { id: payment.id },
    data: { next_attempt_at: attemptAt, next_notice_at: notice },
  });
}
