/** The predicates of stuck work about attempts that are open: looked up, cancelled, and asked of an operator in time. */
import { isPaymentPaid, paymentStatuses } from '../../domain/payment/payment';
import { lookupScheduleMs, operatorAskedAfterMs } from '../../domain/payment/unknown-outcome';
import { Prisma } from '../../prisma/generated/client';
import {
  clockOfSubscription,
  column,
  customersNow,
  idOfPayment,
  instant,
  paymentsAmong,
  type PredicateSql,
  type Source,
} from './predicate';

const paidStatuses = Prisma.join(paymentStatuses.filter(isPaymentPaid));

/** The lookup that is due by then raises the task; an hour later it is missing. */
const taskAfterMs = operatorAskedAfterMs.pending + 3_600_000;

/** By the index `payment_attempts_open_oldest`. */
const openAttempts = (stuck: Prisma.Sql, moreJoined = Prisma.empty): Source => ({
  over: { table: Prisma.sql`payment_attempts`, as: Prisma.sql`a` },
  among: Prisma.sql`a.settled_at IS NULL`,
  order: [
    column(Prisma.sql`a.started_at`, instant),
    column(Prisma.sql`a.payment_id`),
    column(Prisma.sql`a.number`, Prisma.sql`int`),
  ],
  joined: Prisma.sql`JOIN payments p ON p.id = a.payment_id JOIN customers s ON s.id = p.customer_id ${moreJoined}`,
  stuck,
  id: idOfPayment,
});

export const openAttemptPredicates = {
  /** A lookup of an open attempt was due; by a test clock: is due, or is not planned. */
  lookup_due: {
    type: 'payment',
    sources: ({ before, toleranceMs, firstLookupAfterMs = lookupScheduleMs[0] ?? 0, mine }) => [
      openAttempts(
        Prisma.sql`(a.status <> 'processing' OR p.status <> 'processing') AND p.updated_at <= ${before}
          AND CASE WHEN c.id IS NULL
            THEN coalesce(a.next_question_at,
              coalesce(a.last_call_ended_at, a.started_at) + ${firstLookupAfterMs} * interval '1 millisecond')
                <= clock_timestamp() - ${toleranceMs} * interval '1 millisecond'
            ELSE a.next_question_at IS NULL OR a.next_question_at <= c.now END
          AND ${mine(clockOfSubscription)}`,
        Prisma.sql`LEFT JOIN test_clocks c ON c.id = s.test_clock_id`,
      ),
    ],
  },
  /**
   * An open attempt is not wanted any more, or its payment is paid by another one, and the provider was not asked to cancel
   * it. No clock waits for that.
   */
  cancel_not_asked: {
    type: 'payment',
    sources: ({ before, strict, mine }) =>
      strict
        ? []
        : [
            openAttempts(Prisma.sql`a.status <> 'processing' AND a.cancel_asked_at IS NULL
              AND (p.cancel_requested_at IS NOT NULL OR p.status IN (${paidStatuses})) AND p.updated_at <= ${before} AND ${mine(clockOfSubscription)}`),
          ],
  },
  /** An attempt waits for its customer or its bank for longer than an operator should not know of it. */
  open_without_task: {
    type: 'payment',
    sources: ({ before, mine }) => [
      openAttempts(Prisma.sql`a.status IN ('requires_action', 'pending') AND p.updated_at <= ${before}
        AND a.open_since <= ${customersNow} - ${taskAfterMs} * interval '1 millisecond' AND ${mine(clockOfSubscription)}
        AND NOT EXISTS (SELECT 1 FROM operator_tasks t WHERE t.subject_type = 'payment' AND t.subject_id = p.id AND t.status = 'open')`),
    ],
  },
  /** The outcome is unknown for a day, and there is no operator task. */
  unknown_without_task: {
    type: 'payment',
    sources: ({ before, mine }) => [
      paymentsAmong(
        Prisma.sql`p.status = 'unknown'`,
        Prisma.sql`p.updated_at <= ${before} AND ${mine(clockOfSubscription)}
          AND (SELECT max(a.started_at) FROM payment_attempts a WHERE a.payment_id = p.id)
            <= clock_timestamp() - interval '25 hours'
          AND NOT EXISTS (SELECT 1 FROM operator_tasks t WHERE t.subject_type = 'payment' AND t.subject_id = p.id AND t.status = 'open')`,
      ),
    ],
  },
} satisfies Record<string, PredicateSql>;
