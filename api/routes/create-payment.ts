/**
 * POST /payments: from a request to the payment's row and its event.
 *
 * Owns: checking that what is named exists and fits. Does not own collecting (the Payment Service does, once it reads the
 * event). Invariant: row and event are committed together, under an id that the request determines.
 */
import type { CreatePayment } from '../../contracts/http/payments';
import type { FieldMistake } from '../../contracts/problems';
import { paymentRequestedEventId } from '../../domain/event-ids';
import { isFinal, type SubscriptionStatus } from '../../domain/subscription/subscription';
import { databaseNow, inTransaction, type Transaction } from '../../prisma/client';
import { lockSubscriptionForShare } from '../../billing/locks';
import { appendToOutbox } from '../../billing/outbox';
import { requestPayment } from '../../billing/payment/request-payment';
import { toPayment } from '../../billing/rows';
import type { ApiDependencies } from '../http/dependencies';
import { ProblemError, validationFailed } from '../../contracts/problem-error';
import type { Answer, Call } from '../http/route';

/** The whole call. */
export async function createPayment(
  call: Call<unknown, unknown, CreatePayment>,
  { db }: ApiDependencies,
): Promise<Answer> {
  const paymentId = call.idFor('payment');
  const { customer_id, amount, currency, reason } = call.body;
  const { subscription_id = null, payment_method_id = null } = call.body;
  const terms = { customer_id, subscription_id, amount, currency, payment_method_id, reason };
  const actor = { kind: 'api_key' as const, id: call.caller.id, reason };
  const row = await inTransaction(db, async (tx) => {
    // Only a derived id can have a row already: an earlier run under the same Idempotency-Key made it.
    const before = await tx.payment.findUnique({ where: { id: paymentId } });
    if (before !== null) return before;
    await check(tx, call.body);
    const now = await databaseNow(tx);
    const wanted = { payment_id: paymentId, ...terms };
    const made = await requestPayment(tx, wanted, now);
    const event = {
      topic: 'payments.requested' as const,
      id: paymentRequestedEventId(paymentId),
      source: '/api-gateway' as const,
      subject: paymentId,
      key: subscription_id ?? paymentId,
      data: { ...wanted, actor },
      traceparent: call.traceparent,
    };
    appendToOutbox(tx, event, now);
    return made;
  });
  return {
    status: 202,
    body: toPayment(row),
    headers: { Location: `/payments/${paymentId}` },
    subjectId: paymentId,
  };
}

/** That everything named exists and fits together. @throws ProblemError */
async function check(tx: Transaction, body: CreatePayment): Promise<void> {
  const subscription = await lockSubscriptionForShare(tx, body.subscription_id ?? null);
  const customer = await tx.customer.findUnique({ where: { id: body.customer_id } });
  const mistakes: FieldMistake[] = [];
  const note = (path: string, message: string) => mistakes.push({ path, message });
  if (customer === null) note('customer_id', 'must be the id of a customer');
  else if (customer.erased_at !== null) note('customer_id', 'must not be an erased customer');
  if (body.subscription_id !== undefined && subscription?.customer_id !== body.customer_id)
    note('subscription_id', 'must be a subscription of this customer');
  if (customer !== null && body.payment_method_id !== undefined) {
    const where = { id: body.payment_method_id, customer_id: customer.id, deleted_at: null };
    if ((await tx.paymentMethod.count({ where })) === 0)
      note('payment_method_id', 'must be a payment method of this customer');
  }
  if (mistakes.length > 0) throw validationFailed(mistakes);
  if (subscription === null) return;
  const { id, status } = subscription;
  if (!isFinal(status as SubscriptionStatus) && status !== 'paused') return;
  const code = status === 'paused' ? 'subscription_state' : 'subscription_final';
  const detail = `The subscription is ${status}; nothing is charged for it.`;
  throw new ProblemError(code, detail, { subscription_id: id, reason: status });
}
