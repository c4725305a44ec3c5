/**
 * The predicates of stuck work: each a question to the rows that is answered from an index.
 *
 * Does not own when a thing is old enough (`stuck-work.ts`), nor what repairs it (`repair.ts`).
 */
import type { Predicate } from '../../domain/stuck-work';
import { Prisma } from '../../prisma/generated/client';
import { openAttemptPredicates } from './open-attempt-predicates';
import {
  clockOfSubscription,
  column,
  idOfPayment,
  instant,
  paymentsAmong,
  type PredicateSql,
} from './predicate';
import { retryPredicates } from './retry-predicates';
import { subscriptionPredicates } from './subscription-predicates';

export const predicates: Readonly<Record<Predicate, PredicateSql>> = {
  ...subscriptionPredicates,
  ...openAttemptPredicates,
  ...retryPredicates,
  /** Money was collected, and is not assigned to anything. Under a dispute, that of a change waits for the bank. */
  unapplied_money: {
    type: 'payment',
    sources: ({ before, mine }) => [
      paymentsAmong(
        Prisma.sql`p.unapplied_amount <> 0`,
        Prisma.sql`NOT (p.kind = 'proration' AND p.status = 'disputed') AND p.updated_at <= ${before}
          AND ${mine(clockOfSubscription)}`,
      ),
    ],
  },
  /** An attempt was begun, and has no outcome. */
  attempt_in_processing: {
    type: 'payment',
    sources: ({ before, mine }) => [
      paymentsAmong(
        Prisma.sql`p.status = 'processing'`,
        Prisma.sql`p.updated_at <= ${before} AND ${mine(clockOfSubscription)}`,
      ),
    ],
  },
  /** A payment of its own was requested, and never attempted. */
  manual_not_attempted: {
    type: 'payment',
    sources: ({ before, mine }) => [
      paymentsAmong(
        Prisma.sql`p.status = 'requested'`,
        Prisma.sql`p.kind = 'manual' AND p.updated_at <= ${before} AND ${mine(clockOfSubscription)}`,
      ),
    ],
  },
  /** A provider's event was stored, and the Payment Service did not use it; republished ever more rarely. */
  webhook_not_processed: {
    type: 'webhook_delivery',
    sources: ({ before, strict, mine }) => [
      {
        over: { table: Prisma.sql`webhook_deliveries`, as: Prisma.sql`w` },
        among: Prisma.sql`w.status = 'stored'`,
        order: [column(Prisma.sql`w.created_at`, instant), column(Prisma.sql`w.id`)],
        joined: Prisma.sql`LEFT JOIN payments p ON p.id = w.payment_id LEFT JOIN customers s ON s.id = p.customer_id`,
        stuck: Prisma.sql`w.created_at <= ${before} AND ${mine(clockOfSubscription)}
          ${
            strict
              ? Prisma.empty
              : Prisma.sql`AND NOT EXISTS (
                  SELECT 1 FROM outbox_events o
                  WHERE o.subject = w.id AND (o.published_at IS NULL
                    OR o.published_at > ${before}::timestamptz - interval '10 minutes' * power(2, least(w.replays, 8))))`
          }`,
        id: Prisma.sql`w.id`,
      },
    ],
  },
  /** A refund is reserved and not settled. Without tolerance: the provider was not called yet. */
  refund_not_finished: {
    type: 'payment',
    sources: ({ before, strict, mine }) => [
      {
        over: { table: Prisma.sql`refunds`, as: Prisma.sql`r` },
        among: Prisma.sql`r.settled_at IS NULL`,
        order: [column(Prisma.sql`r.created_at`, instant), column(Prisma.sql`r.id`)],
        joined: Prisma.sql`JOIN payments p ON p.id = r.payment_id JOIN customers s ON s.id = p.customer_id`,
        stuck: Prisma.sql`r.created_at <= ${before} AND ${mine(clockOfSubscription)}
          ${strict ? Prisma.sql`AND r.provider_reference IS NULL` : Prisma.empty}`,
        id: idOfPayment,
      },
    ],
  },
  /** Committed, and not on its topic; a parked one waits for a person. */
  outbox_unpublished: {
    type: 'outbox_event',
    sources: ({ before, mine, testClockId }) => [
      {
        over: { table: Prisma.sql`outbox_events`, as: Prisma.sql`o` },
        among: Prisma.sql`o.published_at IS NULL AND o.parked_at IS NULL`,
        order: [column(Prisma.sql`o.shard`, Prisma.sql`int`), column(Prisma.sql`o.id`, Prisma.sql`bigint`)],
        joined: Prisma.empty,
        stuck: Prisma.sql`o.created_at <= ${before} AND ${
          testClockId === null
            ? Prisma.sql`true`
            : Prisma.sql`(
              EXISTS (SELECT 1 FROM subscriptions s WHERE s.id = o.key AND ${mine(clockOfSubscription)})
              OR EXISTS (SELECT 1 FROM payments p JOIN customers s ON s.id = p.customer_id
                WHERE p.id = o.key AND ${mine(clockOfSubscription)})
              OR EXISTS (SELECT 1 FROM customers s WHERE s.id = o.key AND ${mine(clockOfSubscription)}))`
        }`,
        id: Prisma.sql`o.id::text`,
      },
    ],
  },
};
