/** Customers: creating, reading and changing them. Their erasure is `erase.ts`. */
import type { z } from 'zod';
import { hasCreated, recordCreated, type Lease } from '../../access/idempotency';
import type { changeCustomer as changeShape, CreateCustomer, Customer } from '../../contracts/http/customers';
import { notFound, ProblemError, validationFailed } from '../../contracts/problem-error';
import type { WorkflowMessage } from '../../contracts/workflows/messages';
import { inTransaction, type Database, type Transaction } from '../../prisma/client';
import { newestFirst, pageOf, type Page, type PageRequest } from '../../prisma/pages';
import { lockCustomer } from '../locks';
import { wakeForNewMethod } from '../payment/wake-retries';
import type { CustomerRow } from '../rows';
import { findPaymentMethod, insertCustomer, isTestClock, selectCustomer, updateCustomer } from './store';

/** Returns the customer as the API shows it. */
export function toCustomer(row: CustomerRow): Customer {
  return {
    id: row.id,
    email: row.email,
    name: row.name,
    time_zone: row.time_zone,
    test_clock_id: row.test_clock_id,
    default_payment_method_id: row.default_payment_method_id,
    metadata: row.metadata as Customer['metadata'],
    created_at: row.created_at.toISOString(),
  };
}

/**
 * Creates a customer.
 * @param customerId the id when the caller has chosen none
 * @param lease of the call's Idempotency-Key, if it has one
 * @throws ProblemError `already_exists`, `validation_failed`
 */
export async function createCustomer(
  db: Database,
  { id: chosen, ...fields }: CreateCustomer,
  customerId: string,
  lease: Lease | null,
): Promise<Customer> {
  const id = chosen ?? customerId;
  const row = await inTransaction(db, async (tx) => {
    if (fields.test_clock_id !== undefined) await refuseUnknownClock(tx, fields.test_clock_id);
    if (await insertCustomer(tx, { ...fields, id })) await recordCreated(tx, lease, id);
    else if (!(await hasCreated(tx, lease, id))) {
      throw new ProblemError('already_exists', 'There is a customer with this id.');
    }
    return selectCustomer(tx, id);
  });
  return toCustomer(row);
}

async function refuseUnknownClock(tx: Transaction, testClockId: string): Promise<void> {
  if (await isTestClock(tx, testClockId)) return;
  throw validationFailed([{ path: 'test_clock_id', message: 'must be the id of a test clock' }]);
}

/** Lists customers, newest first. */
export async function listCustomers(db: Database, page: PageRequest): Promise<Page<Customer>> {
  const { after, ...order } = newestFirst(page);
  return pageOf(await db.customer.findMany({ where: after, ...order }), page.limit, toCustomer);
}

/** Reads a customer. @throws ProblemError `not_found` */
export async function readCustomer(db: Database, customerId: string): Promise<Customer> {
  const row = await db.customer.findUnique({ where: { id: customerId } });
  if (row === null) throw notFound('customer');
  return toCustomer(row);
}

/**
 * Changes a customer; fields left out stay.
 * @returns the customer, and what is to be sent
 * @throws ProblemError `not_found`, `customer_erased`, `validation_failed`
 */
export async function changeCustomer(
  db: Database,
  customerId: string,
  changes: z.output<typeof changeShape>,
): Promise<{ customer: Customer; messages: WorkflowMessage[] }> {
  return inTransaction(db, async (tx) => {
    const before = await lockKnownCustomer(tx, customerId);
    refuseErased(before);
    const methodId = changes.default_payment_method_id;
    if (methodId !== undefined) {
      const method = await findPaymentMethod(tx, customerId, methodId);
      if (method === null || method.deleted_at !== null) {
        const message = 'must be a payment method of this customer';
        throw validationFailed([{ path: 'default_payment_method_id', message }]);
      }
    }
    const isEmpty = Object.values(changes).every((value) => value === undefined);
    const row = isEmpty ? before : await updateCustomer(tx, customerId, changes);
    const messages = methodId === undefined ? [] : await wakeForNewMethod(tx, { customer_id: customerId });
    return { customer: toCustomer(row), messages };
  });
}

/** Locks a customer for a change. @throws ProblemError `not_found` */
export async function lockKnownCustomer(tx: Transaction, customerId: string): Promise<CustomerRow> {
  const row = await lockCustomer(tx, customerId);
  if (row === null) throw notFound('customer');
  return row;
}

/** Refuses a change of an erased customer. @throws ProblemError `customer_erased` */
export function refuseErased(row: Pick<CustomerRow, 'erased_at'>): void {
  if (row.erased_at === null) return;
  throw new ProblemError('customer_erased', 'An erased customer cannot change.');
}
