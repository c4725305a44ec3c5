/**
 * Settles attempts: locks and reads the rows, decides in domain/payment/settlement, writes, appends to the outbox.
 *
 * Whoever learns of an outcome first writes it: the call's answer, a lookup, a webhook, an operator. Everything that
 * follows from it (the refund of unwanted money, the event, the operator task, the notification) is written in the same
 * transaction.
 */
import type { Source } from '../../contracts/topics/envelope';
import type { AttemptOutcome, SettledBy } from '../../domain/payment/payment';
import {
  decideSettlement,
  type SettlementDecision,
  type SettlementEffect,
  type SettlementFacts,
} from '../../domain/payment/settlement';
import type { TraceContext } from '../../domain/trace';
import type { Transaction } from '../../prisma/client';
import { lockPaymentInOrder, type LockedPayment } from '../locks';
import { notifyRecovered } from '../notification/request-notification';
import { enqueueAnsweredTask, enqueueOperatorTask, enqueueReopenedTask } from '../operator-tasks';
import type { AttemptRow, PaymentRow } from '../rows';
import { publishOutcome } from './publish-outcome';
import { booksOf, type Books } from './books';
import { ReceivedCharge, enqueueOtherCharge, enqueueUnwanted, withReceived } from './received-charge';
import { attemptOf, enqueueNamed, enqueueReference, enqueueSettlement } from './attempt-store';

/** What stands after a settlement was tried: the attempt's outcome, which may be another than the reported one. */
export interface Settlement {
  /** Whether this call wrote the final outcome. */
  settledNow: boolean;
  effect: SettlementEffect;
  attempt: AttemptRow;
  payment: PaymentRow;
  /** What was received by it and is still to be written, by a caller that applies it; null: nothing. */
  received: ReceivedCharge | null;
}

/** What a settlement comes from. */
export interface SettlementOrigin {
  /** Of the event, should this write one; left out: the Payment Service. */
  source?: Source;
  /** Brought by a webhook, or by the call that decides: what follows carries it. Left out or null: the attempt's own. */
  trace?: TraceContext | null;
}

/**
 * Records what is known of an attempt. `completed` and `failed` settle it, anything else is noted while it is open.
 * @throws Error when the attempt does not exist
 */
export async function settleAttempt(
  tx: Transaction,
  paymentId: string,
  number: number,
  outcome: AttemptOutcome,
  settledBy: SettledBy,
  origin: SettlementOrigin = {},
): Promise<Settlement> {
  return settleLocked(tx, await lockAttempt(tx, paymentId, number), outcome, settledBy, origin);
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

/** {@link settleAttempt} for a caller that holds the locks already. */
export async function settleLocked(
  tx: Transaction,
  locked: LockedAttempt,
  outcome: AttemptOutcome,
  settledBy: SettledBy,
  origin: SettlementOrigin = {},
): Promise<Settlement> {
  const settlement = await settleForCaller(tx, locked, outcome, settledBy, origin);
  settlement.received?.writeUnapplied(tx);
  return { ...settlement, received: null };
}

/** {@link settleLocked} for a caller that applies in this transaction what was received, and writes it. */
export async function settleForCaller(
  tx: Transaction,
  locked: LockedAttempt,
  outcome: AttemptOutcome,
  settledBy: SettledBy,
  { source = '/payment-service', trace = null }: SettlementOrigin = {},
): Promise<Settlement> {
  const books = await booksOf(tx, locked);
  const decision = decideSettlement(factsOf(locked), outcome, settledBy);
  return write(tx, trace === null ? locked : tracedBy(trace, locked), decision, books, source);
}

function tracedBy(trace: TraceContext, { attempt, payment, ...rest }: LockedAttempt): LockedAttempt {
  const column = { ...trace };
  return { ...rest, attempt: { ...attempt, trace: column }, payment: { ...payment, trace: column } };
}

function factsOf({ payment, attempt, subscription }: LockedAttempt): SettlementFacts {
  return {
    attempt,
    payment: { ...payment, cancelRequested: payment.cancel_requested_at !== null },
    subscription: subscription?.status ?? null,
  };
}

async function write(
  tx: Transaction,
  locked: LockedAttempt,
  decision: SettlementDecision,
  books: Books,
  source: Source,
): Promise<Settlement> {
  const { now, realNow } = books.times;
  const { attempt, payment: settled } = enqueueSettlement(tx, locked, decision, books.times);
  const { event, task, refund } = decision;
  const isReceived = decision.attempt?.status === 'completed';
  const isKept = isReceived && refund === null;
  const payment = isKept ? withReceived(settled, attempt) : settled;
  if (isReceived && refund !== null) enqueueUnwanted(tx, settled, attempt, refund, books);
  if (decision.reference !== null) enqueueReference(tx, attempt, decision.reference);
  enqueueBeside(tx, payment, attempt, decision, books);
  if (task !== null) {
    const raise = task.reopen ? enqueueReopenedTask : enqueueOperatorTask;
    raise(tx, task.kind, { type: 'payment', id: payment.id }, task.detail, realNow);
  }
  if (event !== null) publishOutcome(tx, payment, attempt, realNow, source);
  if (decision.notifiesRecovery) await notifyRecovered(tx, payment, attempt.number, { now, realNow });
  if (decision.named !== undefined) enqueueNamed(tx, attempt, decision.named);
  const settledNow = decision.attempt !== null && attempt.settled_at !== null;
  // Only about one that stayed open was an operator ever asked.
  if (settledNow && locked.attempt.status !== 'processing') answerTask(tx, payment.id, realNow);
  const received = isKept ? new ReceivedCharge(settled, attempt, books) : null;
  return { settledNow, effect: decision.effect, attempt, payment, received };
}

/** Writes what the provider charged beside what was asked for, and gives it back. */
function enqueueBeside(
  tx: Transaction,
  payment: PaymentRow,
  attempt: AttemptRow,
  { otherCharge, beside }: SettlementDecision,
  books: Books,
): void {
  const amount = Number(attempt.amount);
  if (otherCharge !== null) {
    const other = { reference: otherCharge, amount, reason: 'second_success' };
    enqueueOtherCharge(tx, payment, attempt, other, books);
  } else if (beside !== undefined) {
    enqueueOtherCharge(tx, payment, attempt, { ...beside, reason: 'amount_mismatch' }, books);
  }
}

/** What became of the attempt is known: nothing is left for an operator to find out. */
function answerTask(tx: Transaction, paymentId: string, now: Date): void {
  const actor = { kind: 'system', id: 'payment-service', reason: null } as const;
  const given = { actor, reason: 'the provider has decided the attempt' };
  enqueueAnsweredTask(tx, 'unknown_outcome', { type: 'payment', id: paymentId }, given, now);
}
