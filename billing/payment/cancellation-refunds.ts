/**
 * The refunds that a cancellation makes: the one that it asks for, and all that was taken after it.
 *
 * Invariants:
 * - What is reserved is reserved in one transaction, with ids that follow from the cancellation, so that a record read
 *   again reserves nothing new.
 * - No record is believed: our own event of the cancellation is executed, or nothing.
 * - Never more is reserved than the subscription's payments took.
 */
import { isDeepStrictEqual } from 'node:util';
import type { EventData } from '../../contracts/topics/events';
import type { Actor } from '../../contracts/fields';
import { subscriptionEventId } from '../../domain/event-ids';
import { cancellationRefundId } from '../../domain/ids';
import { moneyText } from '../../domain/money';
import { databaseNow, inTransaction, type Database, type Transaction } from '../../prisma/client';
import { lockPaymentWithSubscription, lockSubscription } from '../locks';
import { enqueueOperatorTask } from '../operator-tasks';
import { findOwnEvent } from '../outbox';
import { paymentsOfRefunds, paymentsWithOpenRefund } from './refund-store';
import { reserveRefund, reserveUnwanted } from './reserve-refund';
import { findPayment, findPaidPayments, isCancellation } from './store';
import { Unprocessable } from '../unprocessable';

type Cancelled = EventData<'subscriptions.cancelled'>;

/** Newest payments that a refund is taken from; it hardly ever needs a second one. */
const maxPayments = 100;

/** The payments of a cancellation: those that were open, and those with a refund to pay out, reserved now or before. */
interface Reserved {
  open: readonly string[];
  refunding: readonly string[];
}

/**
 * Reserves what a cancellation gives back.
 * @param record what a record states of the cancellation; our own event of it is what is executed
 * @throws Unprocessable `unknown_subscription`, `contradicts_subscription`
 */
export async function reserveRefunds(db: Database, record: Cancelled): Promise<Reserved> {
  return inTransaction(db, async (tx) => {
    const cancelled = await ownCancellation(tx, record);
    if (cancelled === null) return { open: [], refunding: [] };
    const { open_payment_ids: openIds } = cancelled;
    const takenFrom = await refundedPayments(tx, cancelled);
    for (const paymentId of openIds) await reserveLaterCharges(tx, cancelled.subscription.id, paymentId);
    return { open: openIds, refunding: await paymentsWithOpenRefund(tx, [...openIds, ...takenFrom]) };
  });
}

/** The payments that give money back. The cancelling transaction has reserved it; a record without its list is older. */
async function refundedPayments(tx: Transaction, cancelled: Cancelled): Promise<string[]> {
  const { refund, refunds } = cancelled;
  if (refunds !== undefined) return refunds.map(({ payment_id }) => payment_id);
  return refund === null || refund.amount <= 0 ? [] : reserveAmount(tx, cancelled, refund);
}

/**
 * Locks the subscription, as every change of its money does, and reads the event that its cancellation wrote.
 * @returns null when its content is no longer kept: what was left of it the reconciliation has done since
 * @throws Unprocessable when there is none, or the record states other money or payments
 */
async function ownCancellation(tx: Transaction, record: Cancelled): Promise<Cancelled | null> {
  const { id, version } = record.subscription;
  const row = (await lockSubscription(tx, id))?.row ?? null;
  if (row === null) throw new Unprocessable('unknown_subscription', `there is no subscription ${id}`);
  const isKnown = row.status === 'cancelled' && (await isCancellation(tx, id, version));
  const own = isKnown
    ? await findOwnEvent(tx, 'subscriptions.cancelled', subscriptionEventId(id, version))
    : null;
  if (own === 'forgotten') return null;
  if (own !== null && isDeepStrictEqual(moneyOf(own.data), moneyOf(record))) return own.data;
  const what = own === null ? 'is no cancellation' : 'moves other money, or is about other payments';
  throw new Unprocessable('contradicts_subscription', `version ${version} of subscription ${id} ${what}`);
}

function moneyOf({ refund, refunds, open_payment_ids }: Cancelled) {
  return { refund, refunds, open_payment_ids };
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

/** No caller waits for these refunds, so an operator is asked when one fails; who cancelled is in the history. */
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
  const detail = `Of the refund that the cancellation asks for, ${moneyText(amount, currency)} are not given back: no more is left of its payments, which were refunded before, or are disputed.`;
  enqueueOperatorTask(tx, 'refund_failed', subject, detail, await databaseNow(tx));
}

/** Usually reserved when the payment was settled: the same refund. */
async function reserveLaterCharges(
  tx: Transaction,
  subscriptionId: string,
  paymentId: string,
): Promise<void> {
  const payment = await findPayment(tx, paymentId);
  if (payment?.subscription_id !== subscriptionId) return;
  await reserveUnwanted(tx, await lockPaymentWithSubscription(tx, paymentId), 'subscription_final');
}
