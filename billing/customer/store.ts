/** Statements about customers and their payment methods, each for use within a transaction. */
import type { Transaction } from '../../prisma/client';
import { listOf, settingsOf } from '../../prisma/columns';
import { sql } from '../../prisma/sql';
import { customerColumns, paymentMethodColumns, type CustomerRow, type PaymentMethodRow } from '../rows';

const jsonColumns = ['metadata'];

/** Inserts a customer. @returns whether the id was free */
export async function insertCustomer(
  tx: Transaction,
  customer: Partial<CustomerRow> & Pick<CustomerRow, 'id'>,
): Promise<boolean> {
  const { names, values } = listOf(customer, jsonColumns);
  const count = await sql(tx).execute`
    INSERT INTO customers (${names}) VALUES (${values}) ON CONFLICT (id) DO NOTHING`;
  return count === 1;
}

/** Reads a customer. @throws when there is none */
export async function selectCustomer(tx: Transaction, customerId: string): Promise<CustomerRow> {
  const [row] = await sql(tx).query<CustomerRow[]>`
    SELECT ${customerColumns} FROM customers WHERE id = ${customerId}`;
  if (row === undefined) throw new Error(`customer ${customerId} does not exist`);
  return row;
}

/** Changes a customer, whose lock is held. @param changes at least one column */
export async function updateCustomer(
  tx: Transaction,
  customerId: string,
  changes: Partial<CustomerRow>,
): Promise<CustomerRow> {
  const [row] = await sql(tx).query<[CustomerRow]>`
    UPDATE customers SET ${settingsOf(changes, jsonColumns)} WHERE id = ${customerId}
    RETURNING ${customerColumns}`;
  return row;
}

/** Sets which payment method subscriptions use that name none; null: none. */
export function enqueueDefaultMethod(tx: Transaction, customerId: string, methodId: string | null): void {
  sql(tx).enqueue`UPDATE customers SET default_payment_method_id = ${methodId} WHERE id = ${customerId}`;
}

/** Reads a customer's payment method, a deleted one, too. */
export async function findPaymentMethod(
  tx: Transaction,
  customerId: string,
  methodId: string,
): Promise<PaymentMethodRow | null> {
  const [row] = await sql(tx).query<PaymentMethodRow[]>`
    SELECT ${paymentMethodColumns} FROM payment_methods WHERE id = ${methodId} AND customer_id = ${customerId}`;
  return row ?? null;
}

/** Inserts a payment method. @returns the row with its defaults */
export async function insertPaymentMethod(
  tx: Transaction,
  method: Partial<PaymentMethodRow> & Pick<PaymentMethodRow, 'id'>,
): Promise<PaymentMethodRow> {
  const { names, values } = listOf(method, []);
  const [row] = await sql(tx).query<[PaymentMethodRow]>`
    INSERT INTO payment_methods (${names}) VALUES (${values}) RETURNING ${paymentMethodColumns}`;
  return row;
}

/** Marks a payment method as deleted, by PostgreSQL's clock. */
export function enqueueMethodDeletion(tx: Transaction, methodId: string): void {
  sql(tx).enqueue`UPDATE payment_methods SET deleted_at = clock_timestamp() WHERE id = ${methodId}`;
}

/** Deletes all of a customer's payment methods: none of them is charged any more. */
export function enqueueMethodDeletions(tx: Transaction, customerId: string, at: Date): void {
  sql(tx).enqueue`
    UPDATE payment_methods SET deleted_at = ${at}::timestamptz WHERE customer_id = ${customerId} AND deleted_at IS NULL`;
}

/** Returns whether there is a test clock with this id that was not deleted. */
export async function isTestClock(tx: Transaction, testClockId: string): Promise<boolean> {
  const rows = await sql(tx).query`
    SELECT 1 AS found FROM test_clocks WHERE id = ${testClockId} AND deleted_at IS NULL`;
  return rows.length > 0;
}

/**
 * Returns whether a running subscription pays with the method: with its own, or with the customer's default where its own
 * is not there.
 * @param running the statuses of subscriptions that have not ended
 */
export async function isMethodInUse(
  tx: Transaction,
  customerId: string,
  methodId: string,
  running: readonly string[],
): Promise<boolean> {
  const rows = await sql(tx).query`
    SELECT 1 AS found FROM subscriptions s JOIN customers c ON c.id = s.customer_id
      LEFT JOIN payment_methods own
        ON own.id = s.payment_method_id AND own.customer_id = s.customer_id AND own.deleted_at IS NULL
    WHERE s.customer_id = ${customerId} AND s.status = ANY(${running})
      AND coalesce(own.id, c.default_payment_method_id) = ${methodId}
    LIMIT 1`;
  return rows.length > 0;
}
