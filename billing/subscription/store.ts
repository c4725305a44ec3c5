/**
 * Statements over a subscription's row, and over the plans and payment methods that it names. A version of the row is
 * written with its history (`history-store.ts`).
 */
import type { Database, Transaction } from '../../prisma/client';
import { listOf } from '../../prisma/columns';
import { Prisma } from '../../prisma/generated/client';
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
export async function findPlan(on: Database | Transaction, planId: string): Promise<PlanRow | null> {
  const [row] = await sql(on).query<PlanRow[]>`SELECT ${planColumns} FROM plans WHERE id = ${planId}`;
  return row ?? null;
}

/** Whose charges are asked about. */
type Payer = Pick<SubscriptionRow, 'customer_id' | 'payment_method_id'>;

/** The provider of the first method that is there: the one that is wanted, the subscription's, the customer's default. */
const providerToCharge = (
  { customer_id: customerId, payment_method_id: own }: Payer,
  wanted: string | null,
) =>
  Prisma.sql`(
    SELECT provider FROM payment_methods JOIN customers ON customers.id = payment_methods.customer_id,
      unnest(ARRAY[${wanted}, ${own}, default_payment_method_id]::text[]) WITH ORDINALITY AS listed(method_id, place)
    WHERE customers.id = ${customerId} AND payment_methods.id = method_id AND deleted_at IS NULL
    ORDER BY place LIMIT 1)`;

/** The provider that a charge would go to. @param wanted a method that is asked for @returns null: there is no method */
export async function findProviderToCharge(
  on: Database | Transaction,
  payer: Payer,
  wanted: string | null,
): Promise<string | null> {
  const [{ provider }] = await sql(on).query<[{ provider: string | null }]>`
    SELECT ${providerToCharge(payer, wanted)} AS provider`;
  return provider;
}

/**
 * Reads a plan, whether a customer has credit in a currency, and the provider that a charge would go to.
 * @throws Error when there is no such plan
 */
export async function findPlanAndPayer(
  tx: Transaction,
  planId: string,
  row: Payer & Pick<SubscriptionRow, 'currency'>,
): Promise<{ plan: PlanRow; hasCredit: boolean; provider: string | null }> {
  const [found] = await sql(tx).query<(PlanRow & { has_credit: boolean; provider: string | null })[]>`
    SELECT ${planColumns}, EXISTS (
      SELECT FROM customer_balances WHERE customer_id = ${row.customer_id}
        AND customer_balances.currency = ${row.currency} AND credit > 0) AS has_credit,
      ${providerToCharge(row, null)} AS provider
    FROM plans WHERE id = ${planId}`;
  if (found === undefined) throw new Error(`plan ${planId} does not exist`);
  const { has_credit: hasCredit, provider, ...plan } = found;
  return { plan, hasCredit, provider };
}

/** @throws Error when there is no such plan */
export async function findPlanOrThrow(on: Database | Transaction, planId: string): Promise<PlanRow> {
  const plan = await findPlan(on, planId);
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
