/**
 * The erasure of a customer's personal data.
 *
 * Invariant: the records of money stay as they are; no personal data is left, in kept answers neither.
 */
import { erasePersonalData } from '../../access/idempotency';
import type { Customer } from '../../contracts/http/customers';
import { databaseNow, inTransaction, type Database } from '../../prisma/client';
import { enqueueReasonErasure } from '../ledger/ledger-store';
import { lockKnownCustomer, toCustomer } from './customers';
import { enqueueMethodErasure, updateCustomer } from './store';

/** Erases a customer's personal data; erased already, it changes nothing. @throws ProblemError `not_found` */
export async function eraseCustomer(db: Database, customerId: string): Promise<Customer> {
  const row = await inTransaction(db, async (tx) => {
    const before = await lockKnownCustomer(tx, customerId);
    if (before.erased_at !== null) return before;
    const at = await databaseNow(tx);
    enqueueMethodErasure(tx, customerId, at);
    enqueueReasonErasure(tx, customerId);
    await erasePersonalData(tx, customerId, withoutPersonalData);
    const nothing = { email: null, name: null, metadata: {}, default_payment_method_id: null };
    return updateCustomer(tx, customerId, { ...nothing, erased_at: at });
  });
  return toCustomer(row);
}

const personalFields = new Set(['email', 'name', 'brand', 'last4', 'exp_month', 'exp_year', 'reason']);

/** Returns what is left of a customer, or of a payment method, in an answer that is kept for repeats. */
function withoutPersonalData(body: Record<string, unknown>): Record<string, unknown> {
  const fields = Object.entries(body).map(([name, value]) => [name, personalFields.has(name) ? null : value]);
  return { ...Object.fromEntries(fields), ...('metadata' in body ? { metadata: {} } : {}) };
}
