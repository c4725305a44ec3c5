/**
 * The outcome of an attempt, written by whoever learns of it first: the call's answer, a lookup, a webhook, a person.
 *
 * Owns: the attempt's and the payment's rows, the outcome's event, the refund of money that nobody wanted, and telling
 * the customer that the money came after all, in one transaction. Invariants: an attempt is settled once, save that a
 * failed one may turn out to have succeeded; a payment is paid by one attempt, and every other success is given back;
 * whoever comes later adopts what stands; an amount that differs never settles.
 */
import type { Source } from '../../contracts/topics/envelope';
import { unwantedChargeRefundId } from '../../domain/ids';
import {
  isPaymentPaid,
  isSettled,
  type AttemptOutcome,
  type PaymentStatus,
  type SettledBy,
} from '../../domain/payment/payment';
import { isFinal, type SubscriptionStatus } from '../../domain/subscription/subscription';
import type { Transaction } from '../../prisma/client';
import { timesFor, timesForCustomer } from '../clock';
import { lockPaymentInOrder, type LockedPayment } from '../locks';
import { raiseOperatorTask, raiseOperatorTaskAgain } from '../operator-tasks';
import type { AttemptRow, PaymentRow } from '../rows';
import { publishOutcome } from './publish-outcome';
import { notifyRecovered } from '../notification/request-notification';
import { insertRefund } from './reserve-refund';
import { attemptOf, updateAttempt } from './store';

/**
 * What telling an outcome did. `settled`, `noted`: it was written; `late_success`: a failed attempt turned out to have
 * succeeded; `second_success`: the payment was paid already and this is given back; `ignored`: something else stands.
 */
export type SettlementEffect = 'settled' | 'noted' | 'late_success' | 'second_success' | 'ignored';

/** What stands after a settlement was tried: the attempt's own outcome, which may be another than the told one. */
export interface Settlement {
  /** Whether this call wrote it. */
  settledNow: boolean;
  effect: SettlementEffect;
  attempt: AttemptRow;
  payment: PaymentRow;
}

interface Known {
  payment: PaymentRow;
  attempt: AttemptRow;
  subscription: SubscriptionStatus | null;
  /** PostgreSQL's time. */
  now: Date;
  /** The customer's. */
  settledAt: Date;
  /** Of the event, should one be written. */
  source: Source;
}

/**
 * Records what is known of an attempt. `completed` and `failed` settle it, anything else is noted while it is open.
 * @param source of the event, should this write one
 * @throws Error when the attempt does not exist
 */
export async function settleAttempt(
  tx: Transaction,
  paymentId: string,
  number: number,
  outcome: AttemptOutcome,
  settledBy: SettledBy,
  source: Source = '/payment-service',
): Promise<Settlement> {
  return settleLocked(tx, await lockAttempt(tx, paymentId, number), outcome, settledBy, source);
}

/** A payment as it stands under its locks, and an attempt of it as it stands then. */
export interface LockedAttempt extends LockedPayment {
  attempt: AttemptRow;
}

/** Locks a payment in order, and reads an attempt of it then. @throws Error when there is no such attempt */
export async function lockAttempt(
  tx: Transaction,
  paymentId: string,
  number: number,
): Promise<LockedAttempt> {
  const locked = await lockPaymentInOrder(tx, paymentId);
  return { ...locked, attempt: await attemptOf(tx, paymentId, number) };
}

/** {@link settleAttempt} for who holds the locks already. */
export async function settleLocked(
  tx: Transaction,
  locked: LockedAttempt,
  outcome: AttemptOutcome,
  settledBy: SettledBy,
  source: Source = '/payment-service',
): Promise<Settlement> {
  const { payment, subscription, realNow, attempt } = locked;
  const times = await (subscription === null
    ? timesForCustomer(tx, payment.customer_id, realNow)
    : timesFor(tx, subscription.test_clock_id, realNow));
  const known = {
    payment,
    attempt,
    subscription: subscription?.status ?? null,
    now: times.realNow,
    settledAt: times.now,
    source,
  };
  if (outcome.status === 'unknown' && outcome.reason === 'amount_mismatch') await raiseMismatch(tx, known);
  const isLate = attempt.settled_at !== null;
  if (isLate && !(attempt.status === 'failed' && outcome.status === 'completed')) {
    await raiseOtherCharge(tx, known, outcome);
    return { settledNow: false, effect: 'ignored', attempt, payment };
  }
  return write(tx, known, outcome, settledBy);
}

async function write(
  tx: Transaction,
  known: Known,
  outcome: AttemptOutcome,
  settledBy: SettledBy,
): Promise<Settlement> {
  const { payment: before, now } = known;
  const settled = isSettled(outcome.status);
  const paidBefore = isPaymentPaid(before.status);
  const { attempt, payment } = updateAttempt(
    tx,
    known,
    {
      status: outcome.status,
      // A reference once known is never forgotten.
      provider_reference:
        'provider_reference' in outcome ? (outcome.provider_reference ?? undefined) : undefined,
      failure: outcome.status === 'failed' ? outcome.failure : null,
      settled_at: settled ? known.settledAt : undefined,
      settled_by: settled ? settledBy : undefined,
      // A lookup that finds nothing proves something only some time after the last call ended.
      last_call_ended_at: settledBy === 'answer' && known.attempt.provider !== null ? now : undefined,
    },
    paidBefore
      ? null
      : {
          status: paymentStatus(before, outcome),
          next_action: outcome.status === 'requires_action' ? outcome.next_action : null,
          ...(outcome.status === 'completed' && { next_attempt_at: null, next_notice_at: null }),
          updated_at: now,
        },
  );
  const isKept =
    outcome.status === 'completed' && !(await giveBackIfUnwanted(tx, known, attempt, paidBefore));
  // What the payment came to was told with the attempt that paid it.
  if (settled && !paidBefore && isPublished(payment))
    await publishOutcome(tx, payment, attempt, now, known.source);
  // The success of a first attempt is no recovery, unless it was taken for failed.
  if (isKept && (attempt.number > 1 || known.attempt.settled_at !== null))
    await notifyRecovered(tx, payment, attempt.number, { now: known.settledAt, realNow: now });
  return {
    settledNow: settled,
    effect: effectOf(known.attempt, outcome, paidBefore),
    attempt,
    payment,
  };
}

function effectOf(before: AttemptRow, outcome: AttemptOutcome, paidBefore: boolean): SettlementEffect {
  if (outcome.status === 'completed' && paidBefore) return 'second_success';
  if (before.settled_at !== null) return 'late_success';
  return isSettled(outcome.status) ? 'settled' : 'noted';
}

/**
 * First and proration payments are answered synchronously; their outcome is an event only once they were announced
 * as open. All others are always published.
 */
function isPublished(payment: PaymentRow): boolean {
  return payment.announced || (payment.kind !== 'first' && payment.kind !== 'proration');
}

function paymentStatus(payment: PaymentRow, outcome: AttemptOutcome): PaymentStatus {
  // A wish to cancel came while the attempt was open: its failure is the cancellation.
  if (outcome.status === 'failed' && payment.cancel_requested_at !== null) return 'cancelled';
  return outcome.status;
}

/**
 * Money for what was paid already, has ended, or is not wanted any more; `payment/{id}` pays it out.
 * @returns whether it goes back
 */
async function giveBackIfUnwanted(
  tx: Transaction,
  { payment, subscription, now }: Known,
  attempt: AttemptRow,
  paidBefore: boolean,
): Promise<boolean> {
  const ended = subscription !== null && isFinal(subscription);
  const cancelled = payment.cancel_requested_at !== null || payment.status === 'cancelled';
  if (!paidBefore && !ended && !cancelled) return false;
  const reason = paidBefore ? 'second_success' : ended ? 'subscription_final' : 'payment_cancelled';
  await insertRefund(
    tx,
    {
      id: unwantedChargeRefundId(payment.id, attempt.number),
      attempt,
      amount: Number(attempt.amount),
      reason,
      actor: { kind: 'system', id: 'payment-service', reason: null },
    },
    now,
  );
  // Whoever cancelled a payment expects its refund; the others are nobody's plan.
  if (reason === 'payment_cancelled') return true;
  const why = paidBefore ? 'Paid a second time' : `Paid although its subscription is ${subscription}`;
  const detail = `${why}: attempt ${attempt.number} is refunded in full.`;
  const subject = { type: 'payment', id: payment.id } as const;
  await raiseOperatorTaskAgain(tx, 'second_success', subject, detail, now);
  return true;
}

async function raiseMismatch(tx: Transaction, { payment, attempt, now }: Known): Promise<void> {
  const subject = { type: 'payment', id: payment.id } as const;
  const detail = 'The provider names another amount or currency than was asked.';
  // Of a settled attempt a person has decided, if it was said before.
  const raise = attempt.settled_at === null ? raiseOperatorTaskAgain : raiseOperatorTask;
  await raise(tx, 'amount_mismatch', subject, detail, now);
}

/** One attempt has one charge; a success of another one means that the provider charged twice under one key. */
async function raiseOtherCharge(
  tx: Transaction,
  { payment, attempt, now }: Known,
  outcome: AttemptOutcome,
): Promise<void> {
  if (outcome.status !== 'completed' || attempt.status !== 'completed') return;
  if (attempt.provider_reference === outcome.provider_reference) return;
  const subject = { type: 'payment', id: payment.id } as const;
  const detail = `The provider names two charges for attempt ${attempt.number}: refund ${outcome.provider_reference} there.`;
  await raiseOperatorTask(tx, 'second_success', subject, detail, now);
}
