/** The predicates of stuck work about failed payments and their retries. */
import { Prisma } from '../../prisma/generated/client';
import { isPlannedForAnotherMethod, joinedLatestPlan } from '../payment/card-store';
import {
  clockOfSubscription,
  column,
  customersNow,
  idOfPayment,
  instant,
  payments,
  paymentsAmong,
  type PredicateSql,
} from './predicate';

const isFailed = Prisma.sql`p.status = 'failed'`;

export const retryPredicates = {
  /** A period's payment failed, and has no plan. */
  failed_without_plan: {
    type: 'payment',
    sources: ({ before, mine }) => [
      paymentsAmong(
        isFailed,
        Prisma.sql`p.kind = 'renewal' AND p.updated_at <= ${before}
          AND s.status IN ('active', 'past_due') AND ${mine(clockOfSubscription)}
          AND NOT EXISTS (SELECT 1 FROM retry_plans r WHERE r.payment_id = p.id AND r.after_attempt =
            (SELECT max(a.number) FROM payment_attempts a WHERE a.payment_id = p.id))`,
        Prisma.sql`JOIN subscriptions s ON s.id = p.subscription_id`,
      ),
    ],
  },
  /** Another payment method would be charged than the one that a failed payment was planned with. */
  payment_method_not_planned: {
    type: 'payment',
    sources: ({ before, mine }) => [
      paymentsAmong(
        isFailed,
        Prisma.sql`${isPlannedForAnotherMethod} AND p.updated_at <= ${before} AND r.created_at <= ${before}
          AND ${mine(Prisma.sql`c.test_clock_id`)}`,
        joinedLatestPlan,
      ),
    ],
  },
  /** A planned step is due, and was not taken. */
  plan_due: {
    type: 'payment',
    sources: ({ before, toleranceMs, mine }) => [
      paymentsAmong(
        isFailed,
        Prisma.sql`s.status IN ('active', 'past_due') AND ${mine(clockOfSubscription)}
          AND r.at <= ${customersNow} - ${toleranceMs} * interval '1 millisecond' AND r.created_at <= ${before}
          AND r.final_action IS DISTINCT FROM 'leave_past_due'`,
        Prisma.sql`JOIN subscriptions s ON s.id = p.subscription_id CROSS JOIN LATERAL (
          SELECT at, created_at, final_action FROM retry_plans
          WHERE payment_id = p.id ORDER BY sequence DESC LIMIT 1) AS r`,
      ),
    ],
  },
  /** A notification of the customer was due; a pause holds it back. */
  notice_due: {
    type: 'payment',
    sources: ({ toleranceMs, mine }) => [
      {
        over: payments,
        among: Prisma.sql`${isFailed} AND p.next_notice_at IS NOT NULL`,
        order: [column(Prisma.sql`p.next_notice_at`, instant), column(idOfPayment)],
        joined: Prisma.sql`JOIN customers s ON s.id = p.customer_id LEFT JOIN subscriptions b ON b.id = p.subscription_id`,
        stuck: Prisma.sql`coalesce(b.status, 'active') IN ('active', 'past_due')
          AND p.next_notice_at <= ${customersNow} - ${toleranceMs} * interval '1 millisecond'
          AND ${mine(clockOfSubscription)}`,
        id: idOfPayment,
      },
    ],
  },
  /** A manual retry was requested, and the request is not settled. */
  retry_request_open: {
    type: 'payment',
    sources: ({ before, mine }) => [
      {
        over: { table: Prisma.sql`retry_requests`, as: Prisma.sql`q` },
        among: Prisma.sql`q.settled_at IS NULL`,
        order: [column(Prisma.sql`q.requested_at`, instant), column(Prisma.sql`q.id`)],
        joined: Prisma.sql`JOIN payments p ON p.id = q.payment_id JOIN customers s ON s.id = p.customer_id`,
        stuck: Prisma.sql`q.requested_at <= ${before} AND ${mine(clockOfSubscription)}`,
        id: idOfPayment,
      },
    ],
  },
  /** A bulk retry releases nothing, or all its requests are settled and it does not end. No clock drives one. */
  bulk_retry_stalled: {
    type: 'bulk_retry',
    sources: ({ before, strict, testClockId }) =>
      testClockId === null
        ? [
            {
              over: { table: Prisma.sql`bulk_retries`, as: Prisma.sql`r` },
              among: Prisma.sql`r.status = 'running'`,
              order: [column(Prisma.sql`r.updated_at`, instant), column(Prisma.sql`r.id`)],
              joined: Prisma.empty,
              stuck: strict
                ? Prisma.sql`true`
                : Prisma.sql`r.updated_at <= ${before} AND (r.released < r.total OR NOT EXISTS (
                    SELECT 1 FROM retry_requests q WHERE q.bulk_retry_id = r.id AND q.settled_at IS NULL))`,
              id: Prisma.sql`r.id`,
            },
          ]
        : [],
  },
} satisfies Record<string, PredicateSql>;
