/**
 * Statements over a subscription's row, and over the plans and payment methods that it names. A version of the row is
 * written with its history (`history-store.ts`).
 */
import type { Database, Transaction } from '../../prisma/client';
import { listOf } from '../../prisma/columns';
import { sql } from '../../prisma/sql';
import {
  paymentMethodColumns,
  planColumns,
  subscriptionColumns,
  type PaymentMethodRow,
  type PlanRow,
  type SubscriptionRow,
} from '../rows';

/** The columns of a subscription that hold JSON. */
export const jsonColumns: readonly (keyof SubscriptionRow)[] = [
  'pending_change',
  'waiting_lines',
  'ledger_state',
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

/** The columns that a creation writes; the others have their defaults. */
export type NewSubscription = Partial<SubscriptionRow> & Pick<SubscriptionRow, 'id'>;

/** Inserts a subscription. @returns the row, with its defaults @throws when there is one already (isUniqueViolation) */
export async function insertSubscription(
  tx: Transaction,
  subscription: NewSubscription,
): Promise<SubscriptionRow> {
  const { names, values } = listOf(subscription, jsonColumns);
  const [row] = await sql(tx).query<[SubscriptionRow]>`
    INSERT INTO subscriptions (${names}) VALUES (${values}) RETURNING ${subscriptionColumns}`;
  return row;
}

/** Null when there is no such plan. */
export async function findPlan(tx: Transaction, planId: string): Promise<PlanRow | null> {
  const [row] = await sql(tx).query<PlanRow[]>`SELECT ${planColumns} FROM plans WHERE id = ${planId}`;
  return row ?? null;
}

/**
 * Reads a plan, and whether a customer has credit in a currency.
 * @throws Error when there is no such plan
 */
export async function findPlanAndCredit(
  tx: Transaction,
  planId: string,
  { customer_id: customerId, currency }: Pick<SubscriptionRow, 'customer_id' | 'currency'>,
): Promise<{ plan: PlanRow; hasCredit: boolean }> {
  const [found] = await sql(tx).query<(PlanRow & { has_credit: boolean })[]>`
    SELECT ${planColumns}, EXISTS (
      SELECT FROM customer_balances WHERE customer_id = ${customerId} AND customer_balances.currency = ${currency}
        AND credit > 0) AS has_credit
    FROM plans WHERE id = ${planId}`;
  if (found === undefined) throw new Error(`plan ${planId} does not exist`);
  const { has_credit: hasCredit, ...plan } = found;
  return { plan, hasCredit };
}

/** @throws Error when there is no such plan */
export async function findPlanOrThrow(tx: Transaction, planId: string): Promise<PlanRow> {
  const plan = await findPlan(tx, planId);
  if (plan === null) throw new Error(`plan ${planId} does not exist`);
  return plan;
}

/** Null when the customer has no such payment method, or deleted it. */
export async function findMethodOfCustomer(
  tx: Transaction,
  customerId: string,
  methodId: string,
): Promise<PaymentMethodRow | null> {
  const [row] = await sql(tx).query<PaymentMethodRow[]>`
    SELECT ${paymentMethodColumns} FROM payment_methods
    WHERE id = ${methodId} AND customer_id = ${customerId} AND deleted_at IS NULL`;
  return row ?? null;
}
