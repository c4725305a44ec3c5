/**
 * Payments that are asked for on `payments.requested`, by our API or by another service.
 *
 * Invariants: our API's payments have their row before their record, so one without a row comes from outside: only an
 * allowed source has it written, within bounds; a record that gives a known payment other terms is never believed.
 */
import type { ReadEvent } from '../../contracts/topics/envelope';
import { id as wellFormedId } from '../../contracts/fields';
import type { WorkflowMessage } from '../../contracts/workflows/messages';
import { isPaymentOpen } from '../../domain/payment/payment';
import { isFinal } from '../../domain/subscription/subscription';
import { inTransaction, type Database, type Transaction } from '../../prisma/client';
import { timesForCustomer } from '../clock';
import {
  acceptCharge,
  externalActor,
  requireAllowedSource,
  requireBounded,
  requireOwnMethod,
  type ExternalRules,
} from '../external-records';
import { enqueueErasureBarrier, lockSubscriptionForShare } from '../locks';
import type { PaymentRow } from '../rows';
import { isSamePayment, requestPayment, type RequestedPayment } from './request-payment';
import { findPayment, isCustomer } from './store';
import { Unprocessable } from '../unprocessable';

type Requested = ReadEvent<'payments.requested'>;

/** Accepts a requested payment, once by its id. @returns what its process is to get. @throws Unprocessable */
export async function acceptRequested(
  db: Database,
  event: Requested,
  rules: ExternalRules,
): Promise<WorkflowMessage[]> {
  const { id, status } = await acceptedRow(db, event, rules);
  return isPaymentOpen(status) ? [{ kind: 'start_payment', payment_id: id }] : [];
}

async function acceptedRow(db: Database, event: Requested, rules: ExternalRules): Promise<PaymentRow> {
  const { data: wanted } = event;
  // PostgreSQL's text has no NUL.
  if (JSON.stringify(wanted).includes('\\u0000'))
    throw new Unprocessable('contradicts_payment', 'it holds text that cannot be kept');
  const known = await findPayment(db, wanted.payment_id);
  if (known !== null) return mustBeSame(known, wanted);
  const source = requireAllowedSource(rules, event.source);
  return inTransaction(db, (tx) => acceptExternal(tx, event, source, rules));
}

function mustBeSame(row: PaymentRow, wanted: RequestedPayment): PaymentRow {
  if (isSamePayment(row, wanted)) return row;
  throw new Unprocessable('contradicts_payment', `payment ${wanted.payment_id} has other terms`);
}

async function acceptExternal(
  tx: Transaction,
  event: Requested,
  source: string,
  rules: ExternalRules,
): Promise<PaymentRow> {
  const { actor, ...wanted } = event.data;
  await requireAcceptable(tx, event.data, rules);
  const { payment_id, customer_id, subscription_id, amount, currency, payment_method_id, reason } = wanted;
  const terms = { payment_id, customer_id, subscription_id, amount, currency, payment_method_id, reason };
  const times = await timesForCustomer(tx, customer_id);
  const { payment, isNew } = await requestPayment(tx, terms, event.trace, times);
  // Another process may have written it meanwhile.
  if (!isNew) return mustBeSame(payment, wanted);
  await acceptCharge(tx, rules, 'payments.requested', event, externalActor(source, actor, reason));
  return payment;
}

async function requireAcceptable(
  tx: Transaction,
  wanted: Requested['data'],
  { paymentMax }: ExternalRules,
): Promise<void> {
  const { payment_id: paymentId, customer_id: customerId, reason, actor } = wanted;
  if (!wellFormedId.safeParse(paymentId).success)
    throw new Unprocessable('contradicts_payment', 'the payment’s id is not well-formed');
  requireBounded({ id: paymentId, reason, actor });
  if (wanted.amount > paymentMax) {
    const detail = `other services may ask for ${paymentMax} minor units at most`;
    throw new Unprocessable('amount_too_large', detail);
  }
  const subscription = await lockSubscriptionForShare(tx, wanted.subscription_id);
  enqueueErasureBarrier(tx, customerId);
  if (!(await isCustomer(tx, customerId)))
    throw new Unprocessable('unknown_customer', `there is no customer ${customerId}`);
  await requireOwnMethod(tx, customerId, wanted.payment_method_id);
  if (wanted.subscription_id === null) return;
  if (subscription === null)
    throw new Unprocessable('unknown_subscription', `there is no subscription ${wanted.subscription_id}`);
  if (subscription.customer_id === customerId && subscription.currency !== wanted.currency) {
    const detail = `subscription ${subscription.id} is in ${subscription.currency}, the payment in ${wanted.currency}`;
    throw new Unprocessable('contradicts_subscription', detail);
  }
  const isCharged = !isFinal(subscription.status) && subscription.status !== 'paused';
  if (isCharged && subscription.customer_id === customerId) return;
  const detail = `nothing is charged for subscription ${subscription.id} of this customer`;
  throw new Unprocessable('contradicts_subscription', detail);
}
