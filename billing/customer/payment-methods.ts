/**
 * Customers' payment methods: adding, listing and deleting them.
 *
 * Invariants: the provider's token comes in and never goes out; a deletion that would leave a running subscription
 * without any method is refused unless it is forced.
 */
import type { CreatePaymentMethod, PaymentMethod } from '../../contracts/http/customers';
import { notFound, ProblemError } from '../../contracts/problem-error';
import { isFinal, subscriptionStatuses } from '../../domain/subscription/subscription';
import type { WorkflowMessage } from '../../contracts/workflows/messages';
import { inTransaction, type Database, type Transaction } from '../../prisma/client';
import { newestFirst, pageOf, type Page, type PageRequest } from '../../prisma/pages';
import { refuseLiveMethod } from '../payment/live-provider';
import { wakeForNewMethod } from '../payment/wake-retries';
import type { PaymentMethodRow } from '../rows';
import { lockKnownCustomer, refuseErased } from './customers';
import {
  enqueueDefaultMethod,
  enqueueMethodDeletion,
  findPaymentMethod,
  insertPaymentMethod,
  isMethodInUse,
} from './store';

const runningStatuses = subscriptionStatuses.filter((status) => !isFinal(status));

function toPaymentMethod(row: PaymentMethodRow, defaultId: string | null): PaymentMethod {
  return {
    id: row.id,
    customer_id: row.customer_id,
    provider: row.provider,
    brand: row.brand,
    last4: row.last4,
    exp_month: row.exp_month,
    exp_year: row.exp_year,
    default: row.id === defaultId,
    created_at: row.created_at.toISOString(),
  };
}

export interface NewPaymentMethod {
  id: string;
  customerId: string;
  /** Which card the token is at its provider, where the token shows it. */
  fingerprint: string | null;
  /** Whether its provider moves real money. */
  isLive: boolean;
  method: CreatePaymentMethod;
}

/**
 * Adds a payment method, once by its id.
 * @returns it, and what is to be sent
 * @throws ProblemError `not_found`, `customer_erased`, `live_provider_on_test_clock`
 */
export async function addPaymentMethod(
  db: Database,
  { id, customerId, fingerprint, isLive, method: { default: wanted, ...fields } }: NewPaymentMethod,
): Promise<{ method: PaymentMethod; messages: WorkflowMessage[] }> {
  return inTransaction(db, async (tx) => {
    const customer = await lockKnownCustomer(tx, customerId);
    const { default_payment_method_id: defaultBefore } = customer;
    const before = await findPaymentMethod(tx, customerId, id);
    if (before !== null) return withMessages(tx, before, defaultBefore);
    refuseErased(customer);
    refuseLiveMethod(customer, isLive);
    const row = await insertPaymentMethod(tx, { ...fields, fingerprint, id, customer_id: customerId });
    const isDefault = wanted ?? defaultBefore === null;
    if (isDefault) enqueueDefaultMethod(tx, customerId, id);
    return withMessages(tx, row, isDefault ? id : defaultBefore);
  });
}

/** The answer, and what is to be sent: a repeat sends what its first run may not have come to. */
async function withMessages(
  tx: Transaction,
  row: PaymentMethodRow,
  defaultId: string | null,
): Promise<{ method: PaymentMethod; messages: WorkflowMessage[] }> {
  const messages = await wakeForNewMethod(tx, { customer_id: row.customer_id });
  return { method: toPaymentMethod(row, defaultId), messages };
}

/** Lists a customer's payment methods, newest first. @throws ProblemError `not_found` */
export async function listPaymentMethods(
  db: Database,
  customerId: string,
  page: PageRequest,
): Promise<Page<PaymentMethod>> {
  const customer = await db.customer.findUnique({ where: { id: customerId } });
  if (customer === null) throw notFound('customer');
  const { after, ...order } = newestFirst(page);
  const where = { customer_id: customerId, deleted_at: null, ...after };
  const rows = await db.paymentMethod.findMany({ where, ...order });
  return pageOf(rows, page.limit, (row) => toPaymentMethod(row, customer.default_payment_method_id));
}

/**
 * Deletes a payment method; deleted already, it changes nothing. A default that takes its place is charged when the retry
 * plans next, not at once: a caller that deletes one may be about to delete all.
 * @param isForced delete it although a subscription uses it
 * @throws ProblemError `not_found`, `payment_method_in_use`
 */
export async function deletePaymentMethod(
  db: Database,
  customerId: string,
  methodId: string,
  isForced: boolean,
): Promise<void> {
  await inTransaction(db, async (tx) => {
    const customer = await lockKnownCustomer(tx, customerId);
    const method = await findPaymentMethod(tx, customerId, methodId);
    if (method === null) throw notFound('payment method');
    if (method.deleted_at !== null) return;
    const defaultId = customer.default_payment_method_id;
    const isDefault = defaultId === methodId;
    const isReplaced = defaultId !== null && !isDefault;
    if (!isForced && !isReplaced && (await isMethodInUse(tx, customerId, methodId, runningStatuses))) {
      const detail = 'A subscription pays with it. Make another one the default first, or send force=true.';
      throw new ProblemError('payment_method_in_use', detail);
    }
    enqueueMethodDeletion(tx, methodId);
    if (isDefault) enqueueDefaultMethod(tx, customerId, null);
  });
}
