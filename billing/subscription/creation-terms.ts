/**
 * Reads what a creation names in one statement: plan, customer with test clock, payment method, and the time.
 *
 * Read twice: by the API, which reports every mistake to the caller, and by the Subscription Service right before it
 * writes. What does not exist is null.
 */
import type { Interval } from '../../domain/calendar';
import type { Database, Transaction } from '../../prisma/client';
import { sql } from '../../prisma/sql';
import type { Times } from '../clock';
import type { CustomerRow, PaymentMethodRow, PlanRow } from '../rows';

export interface NamedPlan extends Pick<PlanRow, 'id' | 'name' | 'currency' | 'trial_days' | 'active'> {
  /** Minor units, of one. */
  amount: number;
  interval: Interval;
}

export interface NamedCustomer extends Pick<CustomerRow, 'id' | 'time_zone' | 'erased_at' | 'test_clock_id'> {
  isClockDeleted: boolean;
}

export type NamedMethod = Pick<PaymentMethodRow, 'id' | 'provider' | 'token' | 'provider_customer'>;

export interface CreationTerms extends Times {
  plan: NamedPlan | null;
  customer: NamedCustomer | null;
  /** A payment method of the customer's that was not deleted. */
  method: NamedMethod | null;
  /** Whether the customer has credit, in whatever currency. */
  hasCredit: boolean;
}

interface Named {
  customer_id: string;
  plan_id: string;
  payment_method_id: string | null;
}

/** @param orDefault whether the customer's default method stands in where none is named */
export async function readCreationTerms(
  on: Database | Transaction,
  { customer_id, plan_id, payment_method_id }: Named,
  orDefault: boolean,
): Promise<CreationTerms> {
  const [row] = await sql(on).query<[Joined]>`
    SELECT clock_timestamp() AS real_now,
      plans.id AS plan_id, plans.name AS plan_name, plans.currency, plans.amount, plans.interval_unit,
      plans.interval_count, plans.trial_days, plans.active,
      customers.id AS customer_id, customers.time_zone, customers.erased_at, customers.test_clock_id,
      test_clocks.now AS clock_now, test_clocks.deleted_at AS clock_deleted_at,
      methods.id AS method_id, methods.provider, methods.token, methods.provider_customer,
      EXISTS (SELECT FROM customer_balances WHERE customer_balances.customer_id = customers.id AND credit > 0) AS has_credit
    FROM (VALUES (1)) AS asked
    LEFT JOIN plans ON plans.id = ${plan_id}
    LEFT JOIN customers ON customers.id = ${customer_id}
    LEFT JOIN test_clocks ON test_clocks.id = customers.test_clock_id
    LEFT JOIN payment_methods AS methods ON methods.customer_id = customers.id AND methods.deleted_at IS NULL
      AND methods.id = coalesce(${payment_method_id}, CASE WHEN ${orDefault} THEN customers.default_payment_method_id END)`;
  const { real_now: realNow } = row;
  return {
    realNow,
    now: row.clock_now ?? realNow,
    plan: planOf(row),
    customer: customerOf(row),
    method: methodOf(row),
    hasCredit: row.has_credit,
  };
}

/** Columns of outer joins: of what does not exist all are null. */
interface Joined {
  real_now: Date;
  plan_id: string | null;
  plan_name: string;
  currency: string;
  amount: bigint;
  interval_unit: Interval['unit'];
  interval_count: number;
  trial_days: number;
  active: boolean;
  customer_id: string | null;
  time_zone: string;
  erased_at: Date | null;
  test_clock_id: string | null;
  clock_now: Date | null;
  clock_deleted_at: Date | null;
  method_id: string | null;
  provider: string;
  token: string;
  provider_customer: string | null;
  has_credit: boolean;
}

function planOf(row: Joined): NamedPlan | null {
  if (row.plan_id === null) return null;
  const { plan_id: id, plan_name: name, currency, amount, trial_days, active } = row;
  const interval = { unit: row.interval_unit, count: row.interval_count };
  return { id, name, currency, amount: Number(amount), trial_days, active, interval };
}

function customerOf(row: Joined): NamedCustomer | null {
  if (row.customer_id === null) return null;
  const { customer_id: id, time_zone, erased_at, test_clock_id } = row;
  const isClockDeleted = row.clock_deleted_at !== null;
  return { id, time_zone, erased_at, test_clock_id, isClockDeleted };
}

function methodOf({ method_id: id, provider, token, provider_customer }: Joined): NamedMethod | null {
  return id === null ? null : { id, provider, token, provider_customer };
}
