/** From rows to the shapes that the API answers, the events carry and the workflows hold. */
import type { Payment } from '../contracts/http/payments';
import { subscription, type Subscription } from '../contracts/http/subscriptions';
import { payment } from '../contracts/http/payments';
import type { Interval } from '../domain/calendar';
import type { PlanTerms } from '../domain/subscription/change';
import type { SubscriptionFacts } from '../domain/subscription/facts';
import { refund, type Refund } from '../contracts/http/refunds';
import type { Prisma } from '../prisma/generated/client';

type SubscriptionRow = Prisma.SubscriptionGetPayload<object>;
type PaymentRow = Prisma.PaymentGetPayload<object>;
type AttemptRow = Prisma.PaymentAttemptGetPayload<object>;
type RefundRow = Prisma.RefundGetPayload<object>;

/** The snapshot of `contracts/http/subscriptions`. @throws ZodError when the row breaks the contract */
export function toSubscription(row: SubscriptionRow): Subscription {
  return subscription.parse({
    ...row,
    amount: Number(row.amount),
    balance: Number(row.balance),
    interval: { unit: row.interval_unit, count: row.interval_count },
    billing_anchor: row.billing_anchor.toISOString(),
    start_at: row.start_at.toISOString(),
    period:
      row.period_index === null
        ? null
        : {
            index: row.period_index,
            start: row.period_start?.toISOString(),
            end: row.period_end?.toISOString(),
            paid: row.period_paid,
          },
    trial_end: instantOrNull(row.trial_end),
    cancel_at: instantOrNull(row.cancel_at),
    cancelled_at: instantOrNull(row.cancelled_at),
    paused_at: instantOrNull(row.paused_at),
    resume_at: instantOrNull(row.resume_at),
    created_at: row.created_at.toISOString(),
  });
}

/** What the rules of a subscription look at. */
export function toFacts(row: SubscriptionRow): SubscriptionFacts {
  return {
    ...toSubscription(row),
    trial_days: row.trial_days,
    anchor_period_index: row.anchor_period_index,
    paused_from: row.paused_from as SubscriptionFacts['paused_from'],
  };
}

/** What a plan's row says is sold. */
export function toPlanTerms(row: Prisma.PlanGetPayload<object>): PlanTerms {
  const interval = { unit: row.interval_unit as Interval['unit'], count: row.interval_count };
  return { ...row, amount: Number(row.amount), interval };
}

/** The payment's shape; `attempts` only when they are given. @throws ZodError when the row breaks the contract */
export function toPayment(row: PaymentRow, attempts?: readonly AttemptRow[]): Payment {
  return payment.parse({
    ...row,
    amount: Number(row.amount),
    refunded_amount: Number(row.refunded_amount),
    next_attempt_at: instantOrNull(row.next_attempt_at),
    created_at: row.created_at.toISOString(),
    updated_at: row.updated_at.toISOString(),
    attempts: attempts?.map((attempt) => ({
      ...attempt,
      started_at: attempt.started_at.toISOString(),
      finished_at: instantOrNull(attempt.settled_at),
    })),
  });
}

/** The refund's shape. @throws ZodError when the row breaks the contract */
export function toRefund(row: RefundRow): Refund {
  return refund.parse({ ...row, amount: Number(row.amount), created_at: row.created_at.toISOString() });
}

/** Null stays null. */
export function instantOrNull(date: Date | null): string | null {
  return date === null ? null : date.toISOString();
}
