/** The predicates of stuck work about subscriptions: opened, paid, earned, concluded and ended in time. */
import { Prisma } from '../../prisma/generated/client';
import { waitsForOtherCard } from '../payment/other-card-store';
import {
  clockOfSubscription,
  column,
  customersNow,
  idOfPayment,
  idOfSubscription,
  instant,
  longestUnchanged,
  paymentsAmong,
  subscriptions,
  type PredicateSql,
  type Source,
} from './predicate';

const finalStates = Prisma.sql`('cancelled', 'expired')`;
const paidStates = Prisma.sql`('completed', 'partially_refunded', 'refunded', 'disputed')`;
const settledStates = Prisma.sql`('completed', 'partially_refunded', 'refunded', 'disputed', 'failed', 'cancelled', 'uncollectible')`;
const joinedSubscription = Prisma.sql`JOIN subscriptions s ON s.id = p.subscription_id`;

/** By the index `subscriptions_open_payment`. */
const withOpenPayment = (stuck: Prisma.Sql): Source => ({
  over: subscriptions,
  among: Prisma.sql`s.open_payment_id IS NOT NULL`,
  order: longestUnchanged.subscriptions,
  joined: Prisma.sql`JOIN payments p ON p.id = s.open_payment_id`,
  stuck,
  id: idOfPayment,
});

/** By the index `subscriptions_incomplete`. */
const incomplete = {
  over: subscriptions,
  among: Prisma.sql`s.status = 'incomplete'`,
  order: longestUnchanged.subscriptions,
};

/** By the index `subscriptions_period_ended`; one of a test clock's customers, by that of the clocks. */
const inPeriod = Prisma.sql`s.status IN ('active', 'past_due', 'paused')`;
const isUnearned = Prisma.sql`jsonb_path_exists(s.ledger_state, '$.funds[*] ? (@.unearned > 0)')`;

/**
 * No renewal run has it that goes on; none shields a subscription for longer than it tries to renew it. The members of
 * all of them are read once for a statement.
 */
const isInNoLivingRun = Prisma.sql`s.id NOT IN (
  SELECT unnest(r.members_left) FROM renewal_runs r
  WHERE r.finished_at IS NULL AND r.progress_at > clock_timestamp() - interval '10 minutes'
    AND r.created_at > clock_timestamp() - interval '6 hours')`;

/** A test clock waits for its customers, whatever an operator has paused. */
const isNotPaused = Prisma.sql`(s.test_clock_id IS NOT NULL OR NOT EXISTS (SELECT 1 FROM renewal_pauses))`;

/** What a run has given up is announced again each hour, or as soon as its task is resolved. */
const announcedBefore = (before: Date) => Prisma.sql`CASE
  WHEN EXISTS (SELECT 1 FROM operator_tasks t
    WHERE t.kind = 'renewal_failed' AND t.subject_type = 'subscription' AND t.subject_id = s.id AND t.status = 'open')
  THEN clock_timestamp() - interval '1 hour' ELSE ${before} END`;

export const subscriptionPredicates = {
  /** Due, said so, and neither a renewal run nor a pause is why nothing happened. With no tolerance: due at all. */
  due_not_opened: {
    type: 'subscription',
    sources: ({ before, strict, mine }) => [
      {
        over: subscriptions,
        among: strict
          ? Prisma.sql`s.next_due_at IS NOT NULL`
          : Prisma.sql`s.next_due_at IS NOT NULL AND s.announced_version = s.version`,
        order: [column(Prisma.sql`s.next_due_at`, instant), column(idOfSubscription)],
        joined: Prisma.empty,
        stuck: Prisma.sql`s.next_due_at <= ${customersNow} AND s.updated_at <= ${before} AND ${mine(clockOfSubscription)}
          ${
            strict
              ? Prisma.empty
              : Prisma.sql`AND NOT EXISTS (
                  SELECT 1 FROM outbox_events o
                  WHERE o.subject = s.id AND o.topic = 'subscriptions.renew_required'
                    AND (o.published_at IS NULL OR o.published_at > ${announcedBefore(before)}))
                AND ${isNotPaused} AND ${isInNoLivingRun}`
          }`,
        id: idOfSubscription,
      },
    ],
  },
  /** A period was opened and its payment never attempted. */
  period_not_attempted: {
    type: 'subscription',
    sources: ({ before, mine }) => [
      {
        ...paymentsAmong(
          Prisma.sql`p.status = 'requested'`,
          Prisma.sql`s.open_payment_id = p.id AND s.status IN ('active', 'past_due') AND p.updated_at <= ${before}
            AND ${mine(clockOfSubscription)}`,
          joinedSubscription,
        ),
        id: idOfSubscription,
      },
    ],
  },
  /** A payment is completed, and its period is not recorded as paid. */
  paid_not_recorded: {
    type: 'payment',
    sources: ({ before, mine }) => [
      withOpenPayment(Prisma.sql`p.status IN ${paidStates} AND p.updated_at <= ${before}
        AND s.status NOT IN ${finalStates} AND s.status <> 'incomplete' AND ${mine(clockOfSubscription)}`),
    ],
  },
  /** A failed payment is retried, and its subscription is not past due. */
  dunning_not_recorded: {
    type: 'payment',
    sources: ({ before, mine }) => [
      withOpenPayment(Prisma.sql`s.status = 'active' AND p.kind = 'renewal' AND p.status = 'failed'
        AND p.updated_at <= ${before} AND ${mine(clockOfSubscription)}
        AND EXISTS (SELECT 1 FROM retry_plans r WHERE r.payment_id = p.id)`),
    ],
  },
  /**
   * A period is over, and what was paid or is owed for it is not earned. Nothing waits for that: it is written with the
   * next transaction of the subscription, dated at the end, so it is found with a tolerance only.
   */
  period_end_not_earned: {
    type: 'subscription',
    sources: ({ before, toleranceMs, strict, mine }) => {
      if (strict) return [];
      const ofInPeriod = { over: subscriptions, joined: Prisma.empty, id: idOfSubscription };
      return [
        {
          ...ofInPeriod,
          among: Prisma.sql`${inPeriod} AND s.period_end <= ${before}`,
          order: [column(Prisma.sql`s.period_end`, instant), column(idOfSubscription)],
          stuck: Prisma.sql`s.test_clock_id IS NULL AND ${isUnearned} AND ${mine(clockOfSubscription)}`,
        },
        {
          ...ofInPeriod,
          among: Prisma.sql`s.test_clock_id IS NOT NULL`,
          order: [column(Prisma.sql`s.test_clock_id`), column(idOfSubscription)],
          stuck: Prisma.sql`${inPeriod} AND ${isUnearned} AND ${mine(clockOfSubscription)}
            AND s.period_end <= ${customersNow} - ${toleranceMs} * interval '1 millisecond'`,
        },
      ];
    },
  },
  /** The first payment is settled, or was never announced as open, and the subscription still waits for it. */
  incomplete_not_notified: {
    type: 'payment',
    sources: ({ before, mine }) => [
      {
        ...incomplete,
        joined: Prisma.sql`JOIN payments p ON p.id = s.first_payment_id`,
        stuck: Prisma.sql`s.version > 0 AND (p.status IN ${settledStates} OR NOT p.announced)
          AND p.updated_at <= ${before} AND ${mine(clockOfSubscription)}`,
        id: idOfPayment,
      },
    ],
  },
  /** Another card is to pay a first payment: its open attempt was not cancelled for that, or no attempt has followed. */
  other_card_not_tried: {
    type: 'payment',
    sources: ({ before, mine }) => [
      {
        ...incomplete,
        joined: Prisma.sql`JOIN payments p ON p.id = s.first_payment_id JOIN customers c ON c.id = p.customer_id`,
        stuck: Prisma.sql`${waitsForOtherCard} AND p.updated_at <= ${before} AND s.updated_at <= ${before}
          AND NOT EXISTS (SELECT FROM payment_attempts o WHERE o.payment_id = p.id AND o.settled_at IS NULL
            AND (o.cancel_asked_at IS NOT NULL OR o.status = 'processing'))
          AND ${mine(clockOfSubscription)}`,
        id: idOfPayment,
      },
    ],
  },
  /** A creation was begun and not concluded. */
  creation_not_concluded: {
    type: 'subscription',
    sources: ({ before, mine }) => [
      {
        ...incomplete,
        joined: Prisma.empty,
        stuck: Prisma.sql`s.version = 0 AND s.updated_at <= ${before} AND ${mine(clockOfSubscription)}`,
        id: idOfSubscription,
      },
    ],
  },
  /** The charge of a change is settled, and the change neither holds nor was dropped. */
  change_not_concluded: {
    type: 'payment',
    sources: ({ before, mine }) => [
      paymentsAmong(
        Prisma.sql`p.kind = 'proration' AND p.status IN ('requested', 'failed')`,
        Prisma.sql`p.updated_at <= ${before} AND ${mine(clockOfSubscription)}`,
        joinedSubscription,
      ),
      {
        over: subscriptions,
        among: Prisma.sql`s.pending_change ->> 'payment_id' IS NOT NULL`,
        order: longestUnchanged.subscriptions,
        joined: Prisma.sql`JOIN payments p ON p.id = s.pending_change ->> 'payment_id' AND p.subscription_id = s.id`,
        stuck: Prisma.sql`p.kind = 'proration' AND p.status IN ${settledStates} AND p.updated_at <= ${before}
          AND ${mine(clockOfSubscription)}`,
        id: idOfPayment,
      },
    ],
  },
  /** The subscription has ended, and money for it may still come. */
  final_with_open_payment: {
    type: 'payment',
    sources: ({ before, mine }) => [
      {
        ...paymentsAmong(
          Prisma.sql`p.status IN ('requested', 'processing', 'requires_action', 'pending', 'unknown')`,
          Prisma.sql`s.status IN ${finalStates} AND p.kind <> 'manual' AND p.cancel_requested_at IS NULL
            AND p.updated_at <= ${before} AND s.updated_at <= ${before} AND ${mine(clockOfSubscription)}`,
          joinedSubscription,
        ),
        order: [column(Prisma.sql`p.status`), ...longestUnchanged.payments],
      },
    ],
  },
  /** A period's or a change's payment failed, and its subscription has ended without it. */
  failed_after_end: {
    type: 'payment',
    sources: ({ before, mine }) => [
      paymentsAmong(
        Prisma.sql`p.status = 'failed'`,
        Prisma.sql`p.kind IN ('renewal', 'proration') AND s.status IN ${finalStates}
          AND p.updated_at <= ${before} AND s.updated_at <= ${before} AND ${mine(clockOfSubscription)}`,
        joinedSubscription,
      ),
    ],
  },
  /**
   * Without tolerance: a cancellation gives money back, and there is neither a refund of the Payment Service nor an
   * operator task. Otherwise Kafka has its record, and delivers it.
   */
  refund_not_reserved: {
    type: 'subscription',
    sources: ({ strict, mine }) =>
      strict
        ? [
            {
              over: subscriptions,
              among: Prisma.sql`s.status = 'cancelled'`,
              order: longestUnchanged.subscriptions,
              joined: Prisma.sql`JOIN outbox_events o ON o.subject = s.id AND o.topic = 'subscriptions.cancelled'`,
              stuck: Prisma.sql`${mine(clockOfSubscription)} AND o.payload::jsonb #>> '{data,refund,amount}' IS NOT NULL
                AND NOT EXISTS (SELECT 1 FROM refunds r JOIN payments p ON p.id = r.payment_id
                  WHERE p.subscription_id = s.id AND r.created_at >= o.created_at)
                AND NOT EXISTS (SELECT 1 FROM operator_tasks t WHERE t.subject_type = 'subscription' AND t.subject_id = s.id AND t.kind = 'refund_failed')`,
              id: idOfSubscription,
            },
          ]
        : [],
  },
} satisfies Record<string, PredicateSql>;
