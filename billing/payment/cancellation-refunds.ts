/**
 * The refunds that a cancellation makes: the one that it asks for, and all that was taken after it.
 *
 * Invariants: what is promised is promised in one transaction, with ids that follow from the cancellation, so that a
 * record read again promises nothing new; no record is believed that our own history does not know; never more is
 * promised than the subscription's payments took.
 */
import type { EventData } from '../../contracts/topics/events';
import type { Actor } from '../../contracts/fields';
import { cancellationRefundId } from '../../domain/ids';
import { databaseNow, inTransaction, type Database, type Transaction } from '../../prisma/client';
import { lockPaymentWithSubscription, lockSubscription } from '../locks';
import { enqueueOperatorTask } from '../operator-tasks';
import { paymentsOfRefunds, paymentsWithOpenRefund } from './refund-store';
import { reserveRefund, reserveUnwanted } from './reserve-refund';
import { findPayment, findPaidPayments, isCancellation } from './store';
import { Unprocessable } from '../unprocessable';

type Cancelled = EventData<'subscriptions.cancelled'>;

/** Newest payments that a refund is taken from; it hardly ever needs a second one. */
const maxPayments = 100;

/** @returns the payments with something to pay out, whoever promised it. @throws Unprocessable */
export async function reserveRefunds(db: Database, cancelled: Cancelled): Promise<string[]> {
  return inTransaction(db, async (tx) => {
    const { open_payment_ids: openIds } = cancelled;
    await mustBeOurs(tx, cancelled);
    const takenFrom = await refundedPayments(tx, cancelled);
    for (const paymentId of openIds) await reserveLaterCharges(tx, cancelled.subscription.id, paymentId);
    const paymentIds = [...openIds, ...takenFrom];
    return paymentsWithOpenRefund(tx, paymentIds);
  });
}

/** The payments that give money back. The cancelling transaction has reserved it; a record without its list is older. */
async function refundedPayments(tx: Transaction, cancelled: Cancelled): Promise<string[]> {
  const { refund, refunds } = cancelled;
  if (refunds !== undefined) return refunds.map(({ payment_id }) => payment_id);
  return refund === null || refund.amount <= 0 ? [] : reserveAmount(tx, cancelled, refund);
}

/** Locks the subscription, as whoever moves its money. A record that gives money away has to be one that our own history knows. */
async function mustBeOurs(tx: Transaction, { subscription, refund }: Cancelled): Promise<void> {
  const { id, version } = subscription;
  const row = (await lockSubscription(tx, id))?.row ?? null;
  if (row === null) throw new Unprocessable('unknown_subscription', `there is no subscription ${id}`);
  const known = row.status === 'cancelled' && (await isCancellation(tx, id, version));
  if (known && (refund === null || refund.currency === row.currency)) return;
  const what = `version ${version} of subscription ${id} is no cancellation, or its currency another one`;
  throw new Unprocessable('contradicts_subscription', what);
}

/** Takes the amount from the newest payment backwards. @returns the payments that it is taken from */
async function reserveAmount(
  tx: Transaction,
  { subscription, reason, actor }: Cancelled,
  refund: NonNullable<Cancelled['refund']>,
): Promise<string[]> {
  const paymentIds = await findPaidPayments(tx, subscription.id, refund.currency, maxPayments);
  const idOf = (paymentId: string) => cancellationRefundId(subscription.id, subscription.version, paymentId);
  const before = await paymentsOfRefunds(tx, paymentIds.map(idOf));
  // Reserved at an earlier reading of the record; all of it at once, so nothing is missing.
  if (before.length > 0) return before;
  let leftAmount = refund.amount;
  const takenFrom: string[] = [];
  for (const id of paymentIds) {
    if (leftAmount === 0) break;
    const amount = await reserveFrom(tx, id, idOf(id), leftAmount, reason ?? 'subscription_cancelled', actor);
    leftAmount -= amount;
    if (amount > 0) takenFrom.push(id);
  }
  if (leftAmount > 0) await reportMissing(tx, subscription.id, leftAmount, refund.currency);
  return takenFrom;
}

/** @returns how much of `upToAmount` this payment gives back */
async function reserveFrom(
  tx: Transaction,
  paymentId: string,
  refundId: string,
  upToAmount: number,
  reason: string,
  actor: Actor,
): Promise<number> {
  const order = { refund_id: refundId, payment_id: paymentId, reason, actor: systemOf(actor) };
  const wanted = await reserveRefund(tx, { ...order, amount: upToAmount });
  const given =
    wanted.kind === 'refused' && wanted.reason === 'more_than_left'
      ? await reserveRefund(tx, { ...order, amount: null })
      : wanted;
  return given.kind === 'reserved' ? Number(given.refund.amount) : 0;
}

/** Nobody waits for these refunds, so a person hears when one fails; who cancelled is in the history. */
function systemOf(actor: Actor): Actor {
  return { kind: 'system', id: 'payment-service', reason: actor.reason };
}

async function reportMissing(
  tx: Transaction,
  subscriptionId: string,
  amount: number,
  currency: string,
): Promise<void> {
  const subject = { type: 'subscription', id: subscriptionId } as const;
  const detail = `Of the refund that the cancellation asks for, ${amount} ${currency} (minor units) are more than its payments took.`;
  enqueueOperatorTask(tx, 'refund_failed', subject, detail, await databaseNow(tx));
}

/** Usually promised by whoever settled it: the same refund. */
async function reserveLaterCharges(
  tx: Transaction,
  subscriptionId: string,
  paymentId: string,
): Promise<void> {
  const payment = await findPayment(tx, paymentId);
  if (payment?.subscription_id !== subscriptionId) return;
  await reserveUnwanted(tx, await lockPaymentWithSubscription(tx, paymentId), 'subscription_final');
}
