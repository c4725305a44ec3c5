/**
 * Statements about the other card that is to pay a first payment: its customer gave one while the first attempt was open.
 *
 * Owns the one rule of when that is. Invariants: a card that was declined for the payment, and the card of the latest
 * attempt, are not another one; a card whose attempt was given up for another may come back. The rule is finite: in
 * attempts, and in time.
 */
import { isPaymentOpen, mostFirstAttempts, paymentStatuses } from '../../domain/payment/payment';
import type { Database, Transaction } from '../../prisma/client';
import { Prisma } from '../../prisma/generated/client';
import { sql } from '../../prisma/sql';
import { heldBy, idToCharge, type MethodHolder } from './card-store';

/** The longest that a first payment may wait for its customer (`INCOMPLETE_HOURS`). */
const withinMs = 7 * 24 * 60 * 60_000;

const unpaid = Prisma.join([...paymentStatuses.filter(isPaymentOpen), 'failed']);
const customersNow = Prisma.sql`coalesce((SELECT k.now FROM test_clocks k WHERE k.id = s.test_clock_id), clock_timestamp())`;

/**
 * Whether the first payment `p` of the customer `c` waits for another card than that of its latest attempt: its
 * subscription `s` waits for it, and the card that would be charged now was not declined for it.
 */
export const waitsForOtherCard = Prisma.sql`(
  p.kind = 'first' AND p.status IN (${unpaid}) AND p.cancel_requested_at IS NULL
  AND s.first_payment_id = p.id AND s.status = 'incomplete' AND s.version > 0
  AND p.created_at > ${customersNow} - ${withinMs} * interval '1 millisecond'
  AND (SELECT count(*) FROM payment_attempts a WHERE a.payment_id = p.id) BETWEEN 1 AND ${mostFirstAttempts - 1}
  AND EXISTS (
    SELECT FROM payment_methods other
    WHERE other.id = ${idToCharge} AND NOT EXISTS (
      SELECT FROM payment_attempts a JOIN payment_methods tried ON tried.id = a.payment_method_id
      WHERE a.payment_id = p.id
        AND (tried.id = other.id OR tried.provider = other.provider AND tried.fingerprint = other.fingerprint)
        AND (a.failure ->> 'category' <> 'not_completed'
          OR a.number = (SELECT max(l.number) FROM payment_attempts l WHERE l.payment_id = p.id)))))`;

const firstPayments = Prisma.sql`
  payments p JOIN customers c ON c.id = p.customer_id JOIN subscriptions s ON s.id = p.subscription_id`;

/** Finds the first payments that wait for another card, oldest first. */
export async function paymentsOfOtherCard(
  on: Database | Transaction,
  holder: MethodHolder,
): Promise<string[]> {
  const rows = await sql(on).query<{ id: string }[]>`
    SELECT p.id FROM ${firstPayments} WHERE ${heldBy(holder)} AND ${waitsForOtherCard} ORDER BY p.created_at, p.id`;
  return rows.map(({ id }) => id);
}
