/**
 * The predicates of stuck work: each a question to the rows that is answered from an index.
 *
 * Does not own when a thing is old enough (`stuck-work.ts`), nor what repairs it (`repair.ts`).
 */
import type { Predicate } from '../../domain/stuck-work';
import { Prisma } from '../../prisma/generated/client';
import { plannedForAnotherMethod } from '../payment/card-store';
import { openAttemptPredicates } from './open-attempt-predicates';
import { clockOfSubscription, customersNow, type PredicateSql } from './predicate';

const finalStates = Prisma.sql`('cancelled', 'expired')`;
const paidStates = Prisma.sql`('completed', 'partially_refunded', 'refunded', 'disputed')`;
const settledStates = Prisma.sql`('completed', 'partially_refunded', 'refunded', 'disputed', 'failed', 'cancelled', 'uncollectible')`;
export const predicates = {
  ...openAttemptPredicates,
  /** Due, said so, and nothing happened. With no tolerance: due at all. */
  due_not_opened: {
    type: 'subscription',
    query: ({ before, strict, mine }) => Prisma.sql`
      SELECT s.id FROM subscriptions s
      WHERE s.next_due_at <= ${customersNow} AND s.updated_at <= ${before} AND ${mine(clockOfSubscription)}
        AND (${strict} OR s.announced_version = s.version AND NOT EXISTS (
          SELECT 1 FROM outbox_events o
          WHERE o.subject = s.id AND o.topic = 'subscriptions.renew_required'
            AND (o.published_at IS NULL OR o.published_at > ${before})))
      ORDER BY s.next_due_at`,
  },
  /** A period was opened and its payment never attempted. */
  period_not_attempted: {
    type: 'subscription',
    query: ({ before, mine }) => Prisma.sql`
      SELECT s.id FROM subscriptions s JOIN payments p ON p.id = s.open_payment_id
      WHERE s.status IN ('active', 'past_due') AND p.status = 'requested' AND p.updated_at <= ${before}
        AND ${mine(clockOfSubscription)}`,
  },
  /** A payment is completed, and its period is not recorded as paid. */
  paid_not_recorded: {
    type: 'payment',
    query: ({ before, mine }) => Prisma.sql`
      SELECT p.id FROM payments p JOIN subscriptions s ON s.open_payment_id = p.id
      WHERE p.status IN ${paidStates} AND p.updated_at <= ${before} AND s.status NOT IN ${finalStates}
        AND s.status <> 'incomplete' AND ${mine(clockOfSubscription)}`,
  },
  /** Money was collected, and is not assigned to anything. Under a dispute, that of a change waits for the bank. */
  unapplied_money: {
    type: 'payment',
    query: ({ before, mine }) => Prisma.sql`
      SELECT p.id FROM payments p JOIN customers s ON s.id = p.customer_id
      WHERE p.unapplied_amount <> 0 AND NOT (p.kind = 'proration' AND p.status = 'disputed')
        AND p.updated_at <= ${before} AND ${mine(clockOfSubscription)}`,
  },
  /**
   * A period is over, and what was paid or is owed for it is not earned. Nothing waits for that: it is written with the
   * next transaction of the subscription, dated at the end, so it is found with a tolerance only.
   */
  period_end_not_earned: {
    type: 'subscription',
    query: ({ before, toleranceMs, strict, mine }) => Prisma.sql`
      SELECT s.id FROM subscriptions s
      WHERE NOT ${strict} AND s.status IN ('active', 'past_due', 'paused')
        AND (s.test_clock_id IS NULL AND s.period_end <= ${before} OR s.test_clock_id IS NOT NULL
          AND s.period_end <= ${customersNow} - ${toleranceMs} * interval '1 millisecond')
        AND jsonb_path_exists(s.ledger_state, '$.funds[*] ? (@.unearned > 0)') AND ${mine(clockOfSubscription)}`,
  },
  /** An attempt was begun, and has no outcome. */
  attempt_in_processing: {
    type: 'payment',
    query: ({ before, mine }) => Prisma.sql`
      SELECT p.id FROM payments p JOIN customers s ON s.id = p.customer_id
      WHERE p.status = 'processing' AND p.updated_at <= ${before} AND ${mine(clockOfSubscription)}`,
  },
  /** The first payment is settled, or was never announced as open, and the subscription still waits for it. */
  incomplete_not_notified: {
    type: 'payment',
    query: ({ before, mine }) => Prisma.sql`
      SELECT p.id FROM payments p JOIN subscriptions s ON s.first_payment_id = p.id
      WHERE s.status = 'incomplete' AND s.version > 0 AND (p.status IN ${settledStates} OR NOT p.announced)
        AND p.updated_at <= ${before} AND ${mine(clockOfSubscription)}`,
  },
  /** A creation was begun and not concluded. */
  creation_not_concluded: {
    type: 'subscription',
    query: ({ before, mine }) => Prisma.sql`
      SELECT s.id FROM subscriptions s
      WHERE s.status = 'incomplete' AND s.version = 0 AND s.updated_at <= ${before} AND ${mine(clockOfSubscription)}`,
  },
  /** The charge of a change is settled, and the change neither holds nor was dropped. */
  change_not_concluded: {
    type: 'payment',
    query: ({ before, mine }) => Prisma.sql`
      SELECT p.id FROM payments p JOIN subscriptions s ON s.id = p.subscription_id
      WHERE p.kind = 'proration' AND p.updated_at <= ${before} AND ${mine(clockOfSubscription)}
        AND (p.status IN ('requested', 'failed')
          OR p.status IN ${settledStates} AND s.pending_change ->> 'payment_id' = p.id)`,
  },
  /** The subscription has ended, and money for it may still come. */
  final_with_open_payment: {
    type: 'payment',
    query: ({ before, mine }) => Prisma.sql`
      SELECT p.id FROM payments p JOIN subscriptions s ON s.id = p.subscription_id
      WHERE s.status IN ${finalStates} AND p.status IN ('requested', 'processing', 'requires_action', 'pending', 'unknown')
        AND p.kind <> 'manual' AND p.cancel_requested_at IS NULL AND p.updated_at <= ${before}
        AND s.updated_at <= ${before} AND ${mine(clockOfSubscription)}`,
  },
  /** A period's or a change's payment failed, and its subscription has ended without it. */
  failed_after_end: {
    type: 'payment',
    query: ({ before, mine }) => Prisma.sql`
      SELECT p.id FROM payments p JOIN subscriptions s ON s.id = p.subscription_id
      WHERE p.status = 'failed' AND p.kind IN ('renewal', 'proration') AND s.status IN ${finalStates}
        AND p.updated_at <= ${before} AND s.updated_at <= ${before} AND ${mine(clockOfSubscription)}`,
  },
  /** A provider's event was stored, and the Payment Service did not use it; republished ever more rarely. */
  webhook_not_processed: {
    type: 'webhook_delivery',
    query: ({ before, strict, mine }) => Prisma.sql`
      SELECT w.id FROM webhook_deliveries w
        LEFT JOIN payments p ON p.id = w.payment_id LEFT JOIN customers s ON s.id = p.customer_id
      WHERE w.status = 'stored' AND w.created_at <= ${before} AND ${mine(clockOfSubscription)}
        AND (${strict} OR NOT EXISTS (
          SELECT 1 FROM outbox_events o
          WHERE o.subject = w.id AND (o.published_at IS NULL
            OR o.published_at > ${before}::timestamptz - interval '10 minutes' * power(2, least(w.replays, 8)))))
      ORDER BY w.created_at`,
  },
  /** A payment of its own was requested, and never attempted. */
  manual_not_attempted: {
    type: 'payment',
    query: ({ before, mine }) => Prisma.sql`
      SELECT p.id FROM payments p JOIN customers s ON s.id = p.customer_id
      WHERE p.kind = 'manual' AND p.status = 'requested' AND p.updated_at <= ${before}
        AND ${mine(clockOfSubscription)}`,
  },
  /**
   * Without tolerance: a cancellation gives money back, and there is neither a refund of the Payment Service nor an
   * operator task. Otherwise Kafka has its record, and delivers it.
   */
  refund_not_reserved: {
    type: 'subscription',
    query: ({ strict, mine }) => Prisma.sql`
      SELECT s.id FROM subscriptions s JOIN outbox_events o ON o.subject = s.id
      WHERE ${strict} AND s.status = 'cancelled' AND o.topic = 'subscriptions.cancelled' AND ${mine(clockOfSubscription)}
        AND o.payload::jsonb #>> '{data,refund,amount}' IS NOT NULL
        AND NOT EXISTS (SELECT 1 FROM refunds r JOIN payments p ON p.id = r.payment_id
          WHERE p.subscription_id = s.id AND r.created_at >= o.created_at)
        AND NOT EXISTS (SELECT 1 FROM operator_tasks t WHERE t.subject_id = s.id AND t.kind = 'refund_failed')`,
  },
  /** A refund is reserved and not settled. Without tolerance: the provider was not called yet. */
  refund_not_finished: {
    type: 'payment',
    query: ({ before, strict, mine }) => Prisma.sql`
      SELECT DISTINCT p.id FROM refunds r JOIN payments p ON p.id = r.payment_id JOIN customers s ON s.id = p.customer_id
      WHERE r.settled_at IS NULL AND r.created_at <= ${before} AND NOT (${strict} AND r.provider_reference IS NOT NULL)
        AND ${mine(clockOfSubscription)}`,
  },
  /** A period's payment failed, and has no plan. */
  failed_without_plan: {
    type: 'payment',
    query: ({ before, mine }) => Prisma.sql`
      SELECT p.id FROM payments p JOIN subscriptions s ON s.id = p.subscription_id
      WHERE p.kind = 'renewal' AND p.status = 'failed' AND p.updated_at <= ${before}
        AND s.status IN ('active', 'past_due') AND ${mine(clockOfSubscription)}
        AND NOT EXISTS (SELECT 1 FROM retry_plans r WHERE r.payment_id = p.id AND r.after_attempt =
          (SELECT max(a.number) FROM payment_attempts a WHERE a.payment_id = p.id))`,
  },
  /** Another payment method would be charged than the one that a failed payment was planned with. */
  payment_method_not_planned: {
    type: 'payment',
    query: ({ before, mine }) => Prisma.sql`
      SELECT p.id FROM ${plannedForAnotherMethod} AND p.updated_at <= ${before} AND r.created_at <= ${before}
        AND ${mine(Prisma.sql`c.test_clock_id`)}`,
  },
  /** A failed payment is retried, and its subscription is not past due. */
  dunning_not_recorded: {
    type: 'payment',
    query: ({ before, mine }) => Prisma.sql`
      SELECT p.id FROM payments p JOIN subscriptions s ON s.open_payment_id = p.id
      WHERE p.kind = 'renewal' AND p.status = 'failed' AND s.status = 'active' AND p.updated_at <= ${before}
        AND ${mine(clockOfSubscription)}
        AND EXISTS (SELECT 1 FROM retry_plans r WHERE r.payment_id = p.id)`,
  },
  /** A planned step is due, and was not taken. */
  plan_due: {
    type: 'payment',
    query: ({ before, toleranceMs, mine }) => Prisma.sql`
      SELECT p.id FROM retry_plans r JOIN payments p ON p.id = r.payment_id
        JOIN subscriptions s ON s.id = p.subscription_id
      WHERE p.status = 'failed' AND s.status IN ('active', 'past_due') AND ${mine(clockOfSubscription)}
        AND r.sequence = (SELECT max(l.sequence) FROM retry_plans l WHERE l.payment_id = r.payment_id)
        AND r.at <= ${customersNow} - ${toleranceMs} * interval '1 millisecond' AND r.created_at <= ${before}
        AND r.final_action IS DISTINCT FROM 'leave_past_due'`,
  },
  /** A notification of the customer was due; a pause holds it back. */
  notice_due: {
    type: 'payment',
    query: ({ toleranceMs, mine }) => Prisma.sql`
      SELECT p.id FROM payments p JOIN customers s ON s.id = p.customer_id
        LEFT JOIN subscriptions b ON b.id = p.subscription_id
      WHERE p.status = 'failed' AND coalesce(b.status, 'active') IN ('active', 'past_due')
        AND p.next_notice_at <= ${customersNow} - ${toleranceMs} * interval '1 millisecond'
        AND ${mine(clockOfSubscription)}`,
  },
  /** A manual retry was requested, and the request is not settled. */
  retry_request_open: {
    type: 'payment',
    query: ({ before, mine }) => Prisma.sql`
      SELECT DISTINCT p.id FROM retry_requests q JOIN payments p ON p.id = q.payment_id
        JOIN customers s ON s.id = p.customer_id
      WHERE q.settled_at IS NULL AND q.requested_at <= ${before} AND ${mine(clockOfSubscription)}`,
  },
  /** A bulk retry releases nothing, or all its requests are settled and it does not end. No clock drives one. */
  bulk_retry_stalled: {
    type: 'bulk_retry',
    query: ({ before, strict, testClockId }) => Prisma.sql`
      SELECT r.id FROM bulk_retries r
      WHERE ${testClockId === null} AND r.status = 'running' AND r.updated_at <= ${before}
        AND (${strict} OR r.released < r.total OR NOT EXISTS (
          SELECT 1 FROM retry_requests q WHERE q.bulk_retry_id = r.id AND q.settled_at IS NULL))`,
  },
  /** Committed, and not on its topic; a parked one waits for a person. */
  outbox_unpublished: {
    type: 'outbox_event',
    query: ({ before, mine, testClockId }) => Prisma.sql`
      SELECT o.id::text AS id FROM outbox_events o
      WHERE o.published_at IS NULL AND o.parked_at IS NULL AND o.created_at <= ${before}
        AND ${
          testClockId === null
            ? Prisma.sql`true`
            : Prisma.sql`(
              EXISTS (SELECT 1 FROM subscriptions s WHERE s.id = o.key AND ${mine(clockOfSubscription)})
              OR EXISTS (SELECT 1 FROM payments p JOIN customers s ON s.id = p.customer_id
                WHERE p.id = o.key AND ${mine(clockOfSubscription)})
              OR EXISTS (SELECT 1 FROM customers s WHERE s.id = o.key AND ${mine(clockOfSubscription)}))`
        }
      ORDER BY o.shard, o.id`,
  },
} satisfies Record<Predicate, PredicateSql>;
