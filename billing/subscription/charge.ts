/**
 * Charges a subscription's period: calls the provider for an attempt that has begun, then records the answer and what
 * it makes of the subscription in one transaction.
 *
 * Invariants: a repeat continues the same attempt with the same key; a call without a clear answer leaves the payment
 * open, never failed.
 */
import type { AttemptOutcome } from '../../domain/payment/payment';
import { inTransaction, type Transaction } from '../../prisma/client';
import { timesFor, type Times } from '../clock';
import { lockPayment, type LockedPayment } from '../locks';
import type { PaymentRow } from '../rows';
import { attemptOf } from '../payment/attempt-store';
import {
  answerOf,
  callProvider,
  firstCallTimeoutMs,
  recordAnswer,
  type AttemptDependencies,
} from '../payment/attempt';
import type { ReceivedCharge } from '../payment/received-charge';
import type { AttemptAnswer, BegunAttempt } from '../payment/begin-attempt';
import { toRecord, type SubscriptionRecord, type SubscriptionRow } from './record';
import { lockOrThrow, type Applied } from './transition';

/** A payment whose first attempt has begun, or was answered before. */
export interface BegunCharge {
  record: SubscriptionRecord;
  paymentId: string;
  attempt: BegunAttempt;
}

/**
 * Applies a payment that is not open any more to its subscription; both are locked.
 * @param received what the answer received, to be written with what it is applied to; null: it is written already
 */
type Apply = (
  tx: Transaction,
  row: SubscriptionRow,
  payment: PaymentRow,
  times: Times,
  received: ReceivedCharge | null,
) => Promise<Applied>;

/** Calls the provider and applies its answer. @returns the record as it stands then; an open answer applies nothing */
export async function callAndApply(
  deps: AttemptDependencies,
  charge: BegunCharge,
  apply: Apply,
): Promise<{ record: SubscriptionRecord; answer: AttemptAnswer }> {
  const { attempt } = charge;
  if (attempt.kind === 'answer') {
    return inTransaction(deps.db, async (tx) =>
      conclude(tx, await lockBoth(tx, charge), attempt.answer, apply),
    );
  }
  const outcome = await outcomeOf(callProvider(deps, attempt, firstCallTimeoutMs));
  return inTransaction(deps.db, async (tx) => {
    const [locked, begun] = await Promise.all([
      lockBoth(tx, charge),
      attemptOf(tx, charge.paymentId, attempt.charge.attempt),
    ]);
    const recorded = await recordAnswer(tx, { ...locked, attempt: begun }, outcome);
    const concluded = await conclude(
      tx,
      { ...locked, payment: recorded.payment },
      answerOf(recorded.attempt),
      apply,
      recorded.received,
    );
    recorded.received?.writeUnapplied(tx);
    return concluded;
  });
}

interface LockedBoth extends LockedPayment {
  subscription: SubscriptionRow;
}

/** In the order of locks. The payment is read last: a subscription that is older than the ledger is entered before. */
async function lockBoth(tx: Transaction, { record, paymentId }: BegunCharge): Promise<LockedBoth> {
  const { row, realNow } = await lockOrThrow(tx, record.subscription.id);
  const payment = await lockPayment(tx, paymentId);
  if (payment === null) throw new Error(`payment ${paymentId} does not exist`);
  return { payment, subscription: row, realNow };
}

async function conclude(
  tx: Transaction,
  { subscription: row, payment, realNow }: LockedBoth,
  answer: AttemptAnswer,
  apply: Apply,
  received: ReceivedCharge | null = null,
): Promise<{ record: SubscriptionRecord; answer: AttemptAnswer }> {
  if (answer.status === 'open') return { record: toRecord(row), answer };
  const times = await timesFor(tx, row.test_clock_id, realNow);
  return { record: (await apply(tx, row, payment, times, received)).record, answer };
}

/** A call that broke off has no clear answer; its follow-up makes it again, and shows what is wrong. */
async function outcomeOf(call: Promise<AttemptOutcome>): Promise<AttemptOutcome> {
  try {
    return await call;
  } catch (error) {
    return { status: 'unknown', reason: String(error) };
  }
}
