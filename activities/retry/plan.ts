/**
 * What comes next for a failed payment, stored before anybody waits for it.
 *
 * Invariants: a plan follows from the rows alone, so that planning twice gives the same plan and one row; what was
 * planned stays for the timeline; the payment's row shows the next attempt.
 */
import { planNextAttempt, type RetryPlan } from '../../domain/retry-planner';
import { isPaymentOpen, type PaymentKind, type PaymentStatus } from '../../domain/payment';
import { isRetriedAutomatically, type FinalAction } from '../../domain/retry-policy';
import { isFinal, type SubscriptionStatus } from '../../domain/subscription';
import { inTransaction, type Database, type Transaction } from '../../prisma/client';
import { timesFor } from '../../prisma/clock';
import type { Prisma } from '../../prisma/generated/client';
import { lockPaymentInOrder } from '../../prisma/locks';
import { countedMethod, failedAttempts, methodToCharge, policyOf } from '../../prisma/retry-facts';

/** What the process of a failed payment decides by; plain JSON. */
export interface RetryState {
  payment_id: string;
  subscription_id: string | null;
  period_index: number | null;
  /** Of the attempt that would come next. */
  next_number: number;
  /** The customer's time, when a test clock tells it; null: it is real. */
  clock_now: string | null;
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
    return {
      payment_id: payment.id,
      subscription_id: payment.subscription_id,
      period_index: payment.period_index,
      next_number: attempts + 1,
      clock_now: customer.test_clock_id === null ? null : now.toISOString(),
      next:
        outsideOfPlans(payment, subscription) ??
        (await planned(tx, payment, subscription, { now, realNow, timeZone: customer.time_zone })),
    };
  });
}

type PaymentRow = Prisma.PaymentGetPayload<object>;
type SubscriptionRow = Prisma.SubscriptionGetPayload<object>;

function outsideOfPlans(
  payment: PaymentRow,
  subscription: SubscriptionRow | null,
): RetryState['next'] | null {
  const status = payment.status as PaymentStatus;
  if (isPaymentOpen(status)) return { kind: 'open' };
  if (status !== 'failed') return { kind: 'done', reason: status };
  if (subscription !== null && isFinal(subscription.status as SubscriptionStatus)) {
    return { kind: 'done', reason: `the subscription is ${subscription.status}` };
  }
  // Their callers were answered: only a person tries them again.
  if (payment.kind === 'first' || payment.kind === 'proration') return { kind: 'done', reason: payment.kind };
  if (subscription?.status === 'paused')
    return { kind: 'wait', until: null, reason: 'the subscription is paused' };
  return null;
}

async function planned(
  tx: Transaction,
  payment: PaymentRow,
  subscription: SubscriptionRow | null,
  { now, realNow, timeZone }: { now: Date; realNow: Date; timeZone: string },
): Promise<RetryState['next']> {
  const policy = await policyOf(tx, payment, subscription);
  if (!isRetriedAutomatically(policy.document, payment.kind as PaymentKind)) {
    return { kind: 'done', reason: 'the policy retries no payments of their own' };
  }
  const method = await methodToCharge(tx, payment, subscription);
  const attempts = await failedAttempts(tx, payment.id);
  const plan = planNextAttempt({
    policy: policy.document,
    attempts,
    payment_method: await countedMethod(tx, method, now),
    time_zone: subscription?.time_zone ?? timeZone,
    now: now.toISOString(),
  });
  await store(tx, payment, plan, attempts.at(-1)?.number ?? 0, policy, realNow);
  if (plan.kind === 'attempt' || plan.kind === 'exhausted') return plan;
  return { kind: 'wait', until: plan.until, reason: plan.reason };
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
  const at = new Date('until' in plan ? plan.until : plan.at);
  // An attempt that is due now is planned for a later "now" each time it is asked about.
  const same =
    latest?.after_attempt === afterAttempt && latest.kind === plan.kind && latest.reason === plan.reason;
  if (!same) {
    await tx.retryPlan.create({
      data: {
        payment_id: payment.id,
        sequence: (latest?.sequence ?? 0) + 1,
        after_attempt: afterAttempt,
        kind: plan.kind,
        at,
        reason: plan.reason,
        final_action: plan.kind === 'exhausted' ? plan.final_action : null,
        policy_id: policy.id,
        policy_version: policy.version,
        created_at: realNow,
      },
    });
  }
  const next = plan.kind === 'attempt' ? at : null;
  if (payment.next_attempt_at?.getTime() === next?.getTime()) return;
  await tx.payment.update({ where: { id: payment.id }, data: { next_attempt_at: next } });
}
