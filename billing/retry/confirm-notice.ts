/** A notification about a payment that another service asks for, confirmed by our rows of the payment. */
import { isOpenToOthers, noticeContradiction, type NoticeState } from '../../domain/retry/notice-claims';
import { inTransaction, type Database, type Transaction } from '../../prisma/client';
import { timesFor } from '../clock';
import { lockSubscriptionForShare } from '../locks';
import { attemptsOf } from '../payment/attempt-store';
import { policyOf } from '../payment/retry-facts';
import { findPayment } from '../payment/store';
import { instantOrNull } from '../rows';
import { Unprocessable } from '../unprocessable';
import { customerOf, latestPlan } from './store';

/**
 * Confirms that the notification is so.
 * @param values its data, as its template reads it
 * @throws Unprocessable `invalid_notification`, `unknown_payment`, `contradicts_payment`
 */
export async function confirmNotice(
  db: Database,
  template: string,
  paymentId: string | null,
  values: Readonly<Record<string, unknown>>,
): Promise<void> {
  if (paymentId === null || !isOpenToOthers(template))
    throw new Unprocessable('invalid_notification', 'no other service may ask for this template');
  const state = await inTransaction(db, (tx) => stateOf(tx, paymentId));
  if (state === null) throw new Unprocessable('unknown_payment', `there is no payment ${paymentId}`);
  const what = noticeContradiction(template, values, state);
  if (what !== null)
    throw new Unprocessable('contradicts_payment', `${paymentId} is not as it says: ${what}`);
}

async function stateOf(tx: Transaction, paymentId: string): Promise<NoticeState | null> {
  const payment = await findPayment(tx, paymentId);
  if (payment === null) return null;
  const subscription = await lockSubscriptionForShare(tx, payment.subscription_id);
  const customer = await customerOf(tx, payment.customer_id);
  const { now } = await timesFor(tx, customer.test_clock_id);
  const plan = await latestPlan(tx, paymentId);
  const attempts = await attemptsOf(tx, paymentId);
  const { document } = await policyOf(tx, payment, subscription);
  return {
    payment: payment.status,
    attempts: attempts.map(({ number, status, settled_at, started_at }) => ({
      number,
      status,
      at: (settled_at ?? started_at).toISOString(),
    })),
    next_attempt_at: instantOrNull(payment.next_attempt_at),
    customer_must_act: plan === null ? null : plan.kind.startsWith('wait_for_'),
    policy: document,
    has_subscription: subscription !== null,
    time_zone: subscription?.time_zone ?? customer.time_zone,
    now: now.toISOString(),
  };
}
