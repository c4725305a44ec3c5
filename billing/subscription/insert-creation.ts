/**
 * All rows of a subscription whose first period is to be paid, written by one statement, which is the transaction.
 *
 * Invariants: all of them or none; later than the creation is accepted, by PostgreSQL's clock, none.
 */
import type { Database } from '../../prisma/client';
import { listOf } from '../../prisma/columns';
import { sql } from '../../prisma/sql';
import { subscriptionColumns, type SubscriptionRow } from '../rows';
import { paymentInsertion, periodInsertion, type NewPayment, type NewPeriod } from './periods';
import { jsonColumns, type NewSubscription } from './store';
import { attemptInsertion, type AttemptedPayment, type NewAttempt } from '../payment/store';

export interface NewCreation {
  subscription: NewSubscription;
  period: NewPeriod;
  payment: NewPayment;
  attempted: AttemptedPayment;
  attempt: NewAttempt;
  /** PostgreSQL's time until which it may be written. */
  acceptBy: Date;
}

/** @returns the subscription; null when it is too late @throws when there is one already (isUniqueViolation) */
export async function insertCreation(
  db: Database,
  { subscription, period, payment, attempted, attempt, acceptBy }: NewCreation,
): Promise<SubscriptionRow | null> {
  const { names, values } = listOf(subscription, jsonColumns);
  const [row] = await sql(db).query<SubscriptionRow[]>`
    WITH moment AS MATERIALIZED (SELECT clock_timestamp() AS now),
    created AS (
      INSERT INTO subscriptions (${names}) SELECT ${values} FROM moment WHERE moment.now <= ${acceptBy}
      RETURNING ${subscriptionColumns}
    ),
    opened AS (${periodInsertion(period, payment)} FROM created),
    paying AS (${paymentInsertion(period, payment, 'processing')} FROM created),
    attempted AS (${attemptInsertion(attempted, attempt)} FROM created, moment)
    SELECT ${subscriptionColumns} FROM created`;
  return row ?? null;
}
