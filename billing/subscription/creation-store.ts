/**
 * The statement that writes all rows of a subscription whose first period is to be paid; it is the transaction.
 *
 * Invariants: all rows are written, or none; none once PostgreSQL's clock is past the creation's `accept_by`, or once the
 * customer is erased.
 */
import type { Database } from '../../prisma/client';
import { listOf } from '../../prisma/columns';
import { sql } from '../../prisma/sql';
import { beforeErasure } from '../locks';
import { subscriptionColumns, type SubscriptionRow } from '../rows';
import { paymentInsertion, periodInsertion, type NewPayment, type NewPeriod } from './period-store';
import { jsonColumns, type NewSubscription } from './store';
import { attemptInsertion, type AttemptedPayment, type NewAttempt } from '../payment/attempt-store';

export interface NewCreation {
  subscription: NewSubscription;
  period: NewPeriod;
  payment: NewPayment;
  attempted: AttemptedPayment;
  attempt: NewAttempt;
  /** PostgreSQL's time until which it may be written. */
  acceptBy: Date;
}

/**
 * Inserts a creation.
 * @returns the subscription; null when it is too late, or the customer was erased @throws when there is one already (isUniqueViolation)
 */
export async function insertCreation(
  db: Database,
  { subscription, period, payment, attempted, attempt, acceptBy }: NewCreation,
): Promise<SubscriptionRow | null> {
  const { names, values } = listOf(subscription, jsonColumns);
  const [row] = await sql(db).query<SubscriptionRow[]>`
    WITH moment AS MATERIALIZED (SELECT date_trunc('milliseconds', clock_timestamp()) AS now),
    payer AS MATERIALIZED (
      SELECT id FROM customers WHERE id = ${subscription.customer_id} AND erased_at IS NULL ${beforeErasure}
    ),
    created AS (
      INSERT INTO subscriptions (${names}) SELECT ${values} FROM moment, payer WHERE moment.now <= ${acceptBy}
      RETURNING ${subscriptionColumns}
    ),
    opened AS (${periodInsertion(period, payment.id)} FROM created),
    paying AS (${paymentInsertion(period, payment, 'processing')} FROM created),
    attempted AS (${attemptInsertion(attempted, attempt)} FROM created, moment)
    SELECT ${subscriptionColumns} FROM created`;
  return row ?? null;
}
