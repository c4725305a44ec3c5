/**
 * An attempt that its provider has no record of: counts what proves that, and sends the attempt again, or ends it.
 *
 * Invariants: sent again, it is the same attempt with the same key, so that what is still on its way is not charged twice;
 * before it is sent, what was proven is forgotten, unless the provider refuses the call unread.
 */
import { decideAbsent, wasRefusedUnread } from '../../domain/payment/absent-attempt';
import { decideNotFound } from '../../domain/payment/unknown-outcome';
import { inTransaction, type Transaction } from '../../prisma/client';
import { wasOperatorAsked } from '../operator-tasks';
import { callProvider, recordAnswer, type AttemptDependencies } from './attempt';
import { enqueueCallEnded, enqueueLookup, enqueueNotFound, type RecordedLookup } from './attempt-store';
import { callOf, type AttemptCall } from './begin-attempt';
import { lockAttempt, settleLocked, type LockedAttempt } from './settle-attempt';
import { findPaymentMethod } from './store';

/** With what the payment method may need, it stays below what a step of the follow-up may take. */
const sendTimeoutMs = 8_000;

/** An attempt that is to be sent again. */
export interface SentAgain {
  paymentId: string;
  number: number;
  call: AttemptCall;
  /** Lookups in a row that had found nothing. */
  notFound: number;
}

/** A lookup that found nothing. */
interface FoundNothing {
  /** Whether that counts. */
  provesAbsence: boolean;
  /** False: the attempt is given up. */
  isWanted: boolean;
}

/** Records a lookup that found nothing. @returns what is to be sent again; null: nothing is */
export async function recordNotFound(
  tx: Transaction,
  locked: LockedAttempt,
  { provesAbsence, isWanted }: FoundNothing,
  times: Omit<RecordedLookup, 'notFound'>,
): Promise<SentAgain | null> {
  const { payment, attempt, realNow } = locked;
  const subject = { type: 'payment', id: payment.id } as const;
  const { notFound, conclusive } = decideNotFound({
    provesAbsence,
    nowMs: realNow.getTime(),
    lastCallMs: (attempt.last_call_ended_at ?? attempt.started_at).getTime(),
    acknowledged:
      attempt.provider_reference !== null || (await wasOperatorAsked(tx, 'amount_mismatch', subject)),
    notFoundBefore: attempt.lookups_not_found,
  });
  enqueueLookup(tx, attempt, { ...times, notFound });
  return conclusive ? proceedAbsent(tx, locked, { notFound, isWanted }, times.lookedUpAt) : null;
}

/** @param now by the customer's time */
async function proceedAbsent(
  tx: Transaction,
  locked: LockedAttempt,
  { notFound, isWanted }: { notFound: number; isWanted: boolean },
  now: Date,
): Promise<SentAgain | null> {
  const { payment, attempt, subscription, realNow } = locked;
  const { payment_method_id: methodId } = attempt;
  const method = methodId === null ? null : await findPaymentMethod(tx, methodId);
  const decision = decideAbsent({
    kind: payment.kind,
    cancelRequested: payment.cancel_requested_at !== null || !isWanted,
    subscription: subscription?.status ?? null,
    ageMs: now.getTime() - payment.created_at.getTime(),
    methodDeleted: method === null || method.deleted_at !== null,
  });
  if (decision.kind === 'wait') return null;
  if (decision.kind === 'end') {
    const outcome = { status: 'failed', provider_reference: null, failure: decision.failure } as const;
    await settleLocked(tx, locked, outcome, 'lookup');
    return null;
  }
  const call = callOf(payment, attempt, method);
  if (call.kind !== 'call') return null;
  enqueueNotFound(tx, attempt, 0);
  // The call that follows may be on its way for a while, also when this process ends in between.
  enqueueCallEnded(tx, attempt, realNow);
  return { paymentId: payment.id, number: attempt.number, call, notFound };
}

/** Sends the attempt again with its key, and records the answer; without one it is looked up like before. */
export async function sendAgain(
  deps: AttemptDependencies,
  { paymentId, number, call, notFound }: SentAgain,
): Promise<void> {
  const outcome = await callProvider(deps, call, sendTimeoutMs);
  await inTransaction(deps.db, async (tx) => {
    const locked = await lockAttempt(tx, paymentId, number);
    if (locked.attempt.settled_at !== null) return;
    const recorded = await recordAnswer(tx, locked, outcome);
    recorded.received?.writeUnapplied(tx);
    if (wasRefusedUnread(outcome)) enqueueNotFound(tx, locked.attempt, notFound);
  });
}
