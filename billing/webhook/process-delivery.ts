/**
 * What a stored webhook means for our payments.
 *
 * Owns: the step from `stored` to `processed`, `ignored` or `failed`, with the reason in words. Does not own the outcome
 * of attempts (`settle-attempt.ts`) nor telling workflows. Invariants: it judges by our own ledger of webhooks, never by
 * a record that names one; run again it changes nothing; a word about an attempt that another provider was asked for is
 * nothing to us.
 */
import {
  providerEvent,
  type ProviderEvent,
  type ReportedDispute,
  type ReportedOutcome,
} from '../../contracts/topics/provider-events';
import { outcomeOfReport } from '../../domain/payment/reported-outcome';
import { databaseNow, type Transaction } from '../../prisma/client';
import { lockDelivery, lockPaymentWithSubscription } from '../locks';
import { enqueueReopenedTask } from '../operator-tasks';
import type { AttemptRow, DeliveryRow } from '../rows';
import { recordDispute } from '../payment/record-dispute';
import { settleAttempt } from '../payment/settle-attempt';
import { findReportedRefund } from '../payment/refund-store';
import { settleRefund } from '../payment/settle-refund';
import { recordProviderRefund } from '../payment/provider-refund';
import { attemptOf, findAttempt, findCharged } from '../payment/attempt-store';
import { findPayment } from '../payment/store';
import { paymentOf } from './deliveries';
import { enqueueVerdict, isOvertaken, type Verdict } from './store';
import { answerUnreadable, isWithOperator, judgeUnreadable } from './unreadable';

export type Processed =
  /** Nothing there yet that the event is about; it may come. */
  | { kind: 'absent'; what: 'delivery' | 'payment' | 'attempt' }
  /** `paymentId`: whose process may wait for what is now in the rows. */
  | { kind: 'done'; paymentId: string | null };

const ignored = (outcome: string): Verdict => ({ status: 'ignored', outcome });
const processed = (outcome: string): Verdict => ({ status: 'processed', outcome });

export async function processDelivery(tx: Transaction, deliveryId: string): Promise<Processed> {
  const row = await lockDelivery(tx, deliveryId);
  if (row === null) return { kind: 'absent', what: 'delivery' };
  const stored = providerEvent.parse(row.event);
  // The charge may be known by now: a webhook can come before our own answer.
  const event = { ...stored, payment_id: await paymentOf(tx, row.provider, stored) };
  const done = { kind: 'done', paymentId: event.payment_id } as const;
  if (row.status === 'processed' || row.status === 'ignored') return done;
  if (await isWithOperator(tx, row)) return done;
  const verdict = await verdictOf(tx, row, event);
  if (typeof verdict === 'string') {
    const unknown = { status: 'failed', outcome: `The ${verdict} is not known.` } as const;
    enqueueVerdict(tx, deliveryId, unknown, event.payment_id);
    return { kind: 'absent', what: verdict };
  }
  enqueueVerdict(tx, deliveryId, verdict, event.payment_id);
  return done;
}

/** @returns the name of what is not there */
async function verdictOf(
  tx: Transaction,
  row: DeliveryRow,
  event: ProviderEvent,
): Promise<Verdict | 'payment' | 'attempt'> {
  if (event.unreadable !== undefined) return judgeUnreadable(tx, row, event);
  if (row.replays > 0) await answerUnreadable(tx, row);
  return judged(tx, row, event);
}

/** @returns the name of what is not there */
async function judged(
  tx: Transaction,
  { provider, trace }: Pick<DeliveryRow, 'provider' | 'trace'>,
  event: ProviderEvent,
): Promise<Verdict | 'payment' | 'attempt'> {
  const { payment_id: paymentId, outcome, dispute, refund } = event;
  if (paymentId === null) return ignored('It is about nothing of ours.');
  const [payment, attempt] = await Promise.all([
    findPayment(tx, paymentId),
    outcome === null ? null : findAttempt(tx, paymentId, outcome.attempt),
  ]);
  if (payment === null) return 'payment';
  if (outcome !== null) {
    return attempt === null ? 'attempt' : settled(tx, { provider, trace }, attempt, outcome);
  }
  // One at a time: the next one sees what this one makes of it.
  if (dispute !== null || refund !== null) await lockPaymentWithSubscription(tx, paymentId);
  if (await isOvertaken(tx, provider, event)) return ignored('A later event about the same was used before.');
  if (dispute !== null) return disputed(tx, provider, paymentId, dispute);
  return refund === null
    ? ignored('It says nothing about an attempt.')
    : refunded(tx, provider, paymentId, refund);
}

async function settled(
  tx: Transaction,
  { provider, trace }: Pick<DeliveryRow, 'provider' | 'trace'>,
  asked: AttemptRow,
  reported: ReportedOutcome,
): Promise<Verdict> {
  if (asked.provider !== provider) return ignored('Another provider was asked for this attempt.');
  const outcome = outcomeOfReport(reported, { amount: Number(asked.amount), currency: asked.currency });
  if (outcome === null) return ignored(`It says no more than that the attempt is ${reported.status}.`);
  // The ordinary case: our own answer came first, and told of the same charge.
  if (asked.status === outcome.status && asked.provider_reference === reported.provider_reference) {
    return alreadySo(asked);
  }
  const { payment_id: paymentId, number } = asked;
  const { effect, attempt } = await settleAttempt(tx, paymentId, number, outcome, 'webhook', { trace });
  if (outcome.status === 'unknown') {
    return processed('It names another amount or currency than was asked: a person is asked.');
  }
  switch (effect) {
    case 'settled':
    case 'noted':
      return processed(`The attempt is ${attempt.status} by this webhook.`);
    case 'late_success':
      return processed('The attempt had failed, and is completed by this webhook.');
    case 'second_success':
      return processed('The payment was paid already: this charge is given back.');
    case 'ignored':
      return attempt.status === outcome.status
        ? alreadySo(attempt)
        : ignored('It says failed of an attempt that was completed before.');
  }
}

function alreadySo({ status, settled_by }: AttemptRow): Verdict {
  return processed(`The attempt was ${status} already, by ${settled_by ?? 'somebody'}.`);
}

async function disputed(
  tx: Transaction,
  provider: string,
  paymentId: string,
  reported: ReportedDispute,
): Promise<Verdict> {
  const { provider_reference: chargeReference, status = 'opened', amount } = reported;
  const attempt = await findCharged(tx, paymentId, provider, chargeReference);
  if (attempt === null) return ignored('It is about a charge of nothing of ours.');
  if (status === 'inquiry') return ignored('It is an inquiry, which moves no money.');
  if (amount <= 0) return ignored('It moves no money.');
  if (attempt.status !== 'completed') return notCharged(tx, 'dispute', attempt);
  // Before there was more than one word about a dispute it had no name of its own.
  const reference = reported.dispute_reference ?? chargeReference;
  const { recorded, payment } = await recordDispute(tx, attempt, {
    provider,
    reference,
    event: status,
    amount,
  });
  if (!recorded) return ignored(`The payment is ${payment.status}: the dispute changes nothing.`);
  return processed(
    status === 'opened' ? 'The payment is disputed: a person is asked.' : `The dispute is ${status}.`,
  );
}

async function refunded(
  tx: Transaction,
  provider: string,
  paymentId: string,
  reported: NonNullable<ProviderEvent['refund']>,
): Promise<Verdict> {
  const { provider_reference, idempotency_key } = reported;
  const row = await findReportedRefund(tx, paymentId, provider_reference, idempotency_key ?? null);
  if (row === null) return refundedThere(tx, provider, paymentId, reported);
  const attempt = await attemptOf(tx, paymentId, row.attempt);
  if (attempt.provider !== provider) return ignored('Another provider was asked for this refund.');
  if (Number(row.amount) !== reported.amount) {
    const outcome = `It names another amount than refund ${row.id} has.`;
    const detail = `${outcome} Compare it with ${provider_reference} at the provider: what went back there is not entered.`;
    enqueueReopenedTask(
      tx,
      'refund_failed',
      { type: 'payment', id: paymentId },
      detail,
      await databaseNow(tx),
    );
    return { status: 'failed', outcome };
  }
  const { settledNow, refund } = await settleRefund(
    tx,
    row.id,
    reported.status === 'failed'
      ? { status: 'failed', provider_reference, reason: 'refund_failed' }
      : { status: reported.status, provider_reference },
  );
  return processed(`Refund ${refund.id} ${settledNow ? 'is' : 'was'} ${refund.status}.`);
}

/** A refund that nobody here asked for was made at the provider: it is taken over once it is paid, or has failed. */
async function refundedThere(
  tx: Transaction,
  provider: string,
  paymentId: string,
  { provider_reference: reference, charge_reference, amount, status }: NonNullable<ProviderEvent['refund']>,
): Promise<Verdict> {
  const attempt = await findCharged(tx, paymentId, provider, charge_reference);
  if (attempt === null) return ignored('It is a refund of a charge of nothing of ours.');
  // Rows of ours that are open are asked for with a key, which this one does not have: its decision is reported, too.
  if (status === 'pending') return ignored('It is a refund made at the provider, which is pending.');
  if (amount <= 0) return ignored('It moves no money.');
  if (attempt.status !== 'completed') return notCharged(tx, 'refund_failed', attempt);
  const refund = await recordProviderRefund(tx, attempt, { provider, reference, amount, status });
  const failed = status === 'failed' ? ', which failed: a person is asked' : '';
  return processed(`The refund made at the provider is taken over as ${refund.id}${failed}.`);
}

/** Money of a charge that is not known to have succeeded: entered, it would be missing from what others paid. */
async function notCharged(
  tx: Transaction,
  kind: 'dispute' | 'refund_failed',
  { payment_id: id, number, status }: AttemptRow,
): Promise<Verdict> {
  const what = kind === 'dispute' ? 'a dispute' : 'a refund made there';
  const outcome = `The provider tells of ${what} of attempt ${number}, which is ${status}: once its success is known, replay this webhook.`;
  enqueueReopenedTask(tx, kind, { type: 'payment', id }, outcome, await databaseNow(tx));
  return { status: 'failed', outcome };
}
