/** A subscription's row: found, and written for the first time. What changes it is written by `changes.ts`. */
import type { Database, Transaction } from '../../prisma/client';
import { listOf } from '../../prisma/columns';
import { sql } from '../../prisma/sql';
import { subscriptionColumns, type SubscriptionRow } from '../rows';

/** Those of a subscription that hold JSON. */
export const jsonColumns: readonly (keyof SubscriptionRow)[] = [
  'pending_change',
  'waiting_lines',
  'metadata',
];

/** Null when there is none. */
export async function findSubscription(
  on: Database | Transaction,
  subscriptionId: string,
): Promise<SubscriptionRow | null> {
  const [row] = await sql(on).query<SubscriptionRow[]>`
    SELECT ${subscriptionColumns} FROM subscriptions WHERE id = ${subscriptionId}`;
  return row ?? null;
}

export interface Created {
  row: SubscriptionRow;
  /** As `contracts/http/subscriptions.ts` has it; null: none was due. */
  firstPayment: unknown;
}

/** A subscription with the payment that it began with. Null when there is none. */
export async function findCreated(db: Database, subscriptionId: string): Promise<Created | null> {
  const [found] = await sql(db).query<(SubscriptionRow & { first_payment: unknown })[]>`
    SELECT ${subscriptionColumns}, (
      SELECT jsonb_build_object('payment_id', id, 'status', status, 'amount', amount, 'currency', currency,
        'next_action', next_action, 'failure',
        (SELECT failure FROM payment_attempts WHERE payment_id = payments.id ORDER BY number DESC LIMIT 1))
      FROM payments WHERE id = first_payment_id
    ) AS first_payment
    FROM subscriptions WHERE id = ${subscriptionId}`;
  if (found === undefined) return null;
  const { first_payment: firstPayment, ...row } = found;
  return { row, firstPayment };
}

/** What a creation says of a row; the rest has its defaults. */
export type NewSubscription = Partial<SubscriptionRow> & Pick<SubscriptionRow, 'id'>;

/** @returns the row, with its defaults @throws when there is one already (isUniqueViolation) */
export async function insertSubscription(
  tx: Transaction,
  subscription: NewSubscription,
): Promise<SubscriptionRow> {
  const { names, values } = listOf(subscription, jsonColumns);
  const [row] = await sql(tx).query<[SubscriptionRow]>`
    INSERT INTO subscriptions (${names}) VALUES (${values}) RETURNING ${subscriptionColumns}`;
  return row;
}
