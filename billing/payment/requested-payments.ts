/**
 * Payments that are asked for on `payments.requested`, by our API or by another producer.
 *
 * Invariants: our API's payments have their row before their record; one without a row comes from outside, is bounded,
 * and gets its row here; a record that gives a known payment other terms is never believed.
 */
import type { EventData } from '../../contracts/topics/events';
import { id as wellFormedId } from '../../contracts/fields';
import type { WorkflowMessage } from '../../contracts/workflows/messages';
import { isPaymentOpen } from '../../domain/payment/payment';
import { isFinal } from '../../domain/subscription/subscription';
import { databaseNow, inTransaction, type Database, type Transaction } from '../../prisma/client';
import { lockSubscriptionForShare } from '../locks';
import type { PaymentRow } from '../rows';
import { isSamePayment, requestPayment, type RequestedPayment } from './request-payment';
import { findPayment, isCustomer } from './store';
import { Unprocessable } from '../unprocessable';

/** Accepts a requested payment, once by its id. @returns what its process is to get. @throws Unprocessable */
export async function acceptRequested(
  db: Database,
  { actor: _actor, ...wanted }: EventData<'payments.requested'>,
  externalMax: number,
): Promise<WorkflowMessage[]> {
  const { id, status } = await acceptedRow(db, wanted, externalMax);
  return isPaymentOpen(status) ? [{ kind: 'start_payment', payment_id: id }] : [];
}

async function acceptedRow(db: Database, wanted: RequestedPayment, externalMax: number): Promise<PaymentRow> {
  // PostgreSQL's text has no NUL.
  if (JSON.stringify(wanted).includes('\\u0000'))
    throw new Unprocessable('contradicts_payment', 'it holds text that cannot be kept');
  const known = await findPayment(db, wanted.payment_id);
  if (known !== null) return mustBeSame(known, wanted);
  return inTransaction(db, async (tx) => {
    await mustBeAcceptable(tx, wanted, externalMax);
    const { payment_id, customer_id, subscription_id, amount, currency, payment_method_id, reason } = wanted;
    const terms = { payment_id, customer_id, subscription_id, amount, currency, payment_method_id, reason };
    // Somebody else may have written it meanwhile.
    return mustBeSame(await requestPayment(tx, terms, await databaseNow(tx)), wanted);
  });
}

function mustBeSame(row: PaymentRow, wanted: RequestedPayment): PaymentRow {
  if (isSamePayment(row, wanted)) return row;
  throw new Unprocessable('contradicts_payment', `payment ${wanted.payment_id} has other terms`);
}

async function mustBeAcceptable(
  tx: Transaction,
  wanted: RequestedPayment,
  externalMax: number,
): Promise<void> {
  if (!wellFormedId.safeParse(wanted.payment_id).success)
    throw new Unprocessable('contradicts_payment', 'the payment’s id is not well-formed');
  if (wanted.amount > externalMax) {
    const detail = `other producers may ask for ${externalMax} minor units at most`;
    throw new Unprocessable('amount_too_large', detail);
  }
  const subscription = await lockSubscriptionForShare(tx, wanted.subscription_id);
  if (!(await isCustomer(tx, wanted.customer_id)))
    throw new Unprocessable('unknown_customer', `there is no customer ${wanted.customer_id}`);
  if (wanted.subscription_id === null) return;
  if (subscription === null)
    throw new Unprocessable('unknown_subscription', `there is no subscription ${wanted.subscription_id}`);
  const ended = isFinal(subscription.status);
  if (ended || subscription.customer_id !== wanted.customer_id)
    throw new Unprocessable(
      'contradicts_subscription',
      `subscription ${subscription.id} cannot be paid for so`,
    );
}
