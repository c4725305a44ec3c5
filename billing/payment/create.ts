/**
 * A payment of its own that the API is asked for: its row and its event.
 *
 * Does not own charging: the Payment Service does, once it reads the event. Invariant: row and event are committed
 * together, under an id that the request determines.
 */
import type { Actor } from '../../contracts/fields';
import type { CreatePayment, Payment } from '../../contracts/http/payments';
import { ProblemError, validationFailed } from '../../contracts/problem-error';
import type { FieldMistake } from '../../contracts/problems';
import { paymentRequestedEventId } from '../../domain/event-ids';
import { isFinal } from '../../domain/subscription/subscription';
import type { TraceContext } from '../../domain/trace';
import { inTransaction, type Database, type Transaction } from '../../prisma/client';
import { sql } from '../../prisma/sql';
import { timesForCustomer } from '../clock';
import { enqueueErasureBarrier, lockSubscriptionForShare } from '../locks';
import { appendToOutbox } from '../outbox';
import { toPayment } from '../rows';
import { requestPayment } from './request-payment';
import { findPayment } from './store';

export interface PaymentRequest {
  /** Derived from the Idempotency-Key when there is one. */
  id: string;
  request: CreatePayment;
  actor: Actor;
  /** W3C trace context of the call. */
  trace: TraceContext;
}

/** Creates a payment, once by its id. @throws ProblemError `validation_failed`, `subscription_state`, `subscription_final` */
export async function createPayment(
  db: Database,
  { id, request, actor, trace }: PaymentRequest,
): Promise<Payment> {
  const wanted = {
    payment_id: id,
    customer_id: request.customer_id,
    subscription_id: request.subscription_id ?? null,
    amount: request.amount,
    currency: request.currency,
    payment_method_id: request.payment_method_id ?? null,
    reason: request.reason,
  };
  const row = await inTransaction(db, async (tx) => {
    // Only a derived id can have a row already: an earlier run under the same Idempotency-Key created it.
    const before = await findPayment(tx, id);
    if (before !== null) return before;
    await check(tx, request);
    const times = await timesForCustomer(tx, request.customer_id);
    const { payment: created } = await requestPayment(tx, wanted, trace, times);
    const event = {
      topic: 'payments.requested' as const,
      id: paymentRequestedEventId(id),
      source: '/api-gateway' as const,
      subject: id,
      key: wanted.subscription_id ?? id,
      data: { ...wanted, actor },
      trace,
    };
    appendToOutbox(tx, event, times.realNow);
    return created;
  });
  return toPayment(row);
}

/** Checks that everything named exists and fits. @throws ProblemError */
async function check(tx: Transaction, request: CreatePayment): Promise<void> {
  const { customer_id: customerId, subscription_id, payment_method_id: methodId } = request;
  const subscription = await lockSubscriptionForShare(tx, subscription_id ?? null);
  enqueueErasureBarrier(tx, customerId);
  const customer = await findPayer(tx, customerId, methodId ?? null);
  const mistakes: FieldMistake[] = [];
  const note = (path: string, message: string) => mistakes.push({ path, message });
  if (customer === null) note('customer_id', 'must be the id of a customer');
  else if (customer.erased_at !== null) note('customer_id', 'must not be an erased customer');
  if (subscription_id !== undefined && subscription?.customer_id !== customerId)
    note('subscription_id', 'must be a subscription of this customer');
  else if (subscription !== null && subscription.currency !== request.currency)
    note('currency', `must be ${subscription.currency}, the currency of the subscription`);
  if (methodId !== undefined && customer !== null && !customer.has_method)
    note('payment_method_id', 'must be a payment method of this customer');
  if (mistakes.length > 0) throw validationFailed(mistakes);
  if (subscription === null) return;
  const { id, status } = subscription;
  if (!isFinal(status) && status !== 'paused') return;
  const code = status === 'paused' ? 'subscription_state' : 'subscription_final';
  const detail = `The subscription is ${status}; nothing is charged for it.`;
  throw new ProblemError(code, detail, { subscription_id: id, reason: status });
}

interface Payer {
  erased_at: Date | null;
  /** Whether the named payment method is the customer's and was not deleted. */
  has_method: boolean;
}

async function findPayer(
  tx: Transaction,
  customerId: string,
  methodId: string | null,
): Promise<Payer | null> {
  const [row] = await sql(tx).query<Payer[]>`
    SELECT erased_at, EXISTS (
      SELECT 1 FROM payment_methods
      WHERE id = ${methodId} AND customer_id = customers.id AND deleted_at IS NULL) AS has_method
    FROM customers WHERE id = ${customerId}`;
  return row ?? null;
}
