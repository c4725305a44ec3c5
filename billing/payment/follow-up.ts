/**
 * What `payment/{id}` does for an attempt without a clear answer before it looks it up (`look-up.ts`): repeats the call,
 * and marks the outcome as unknown. Cancels payments.
 *
 * Invariants: unknown is not failed; nothing here begins an attempt.
 */
import { decideCancelPayment } from '../../domain/payment/payment';
import { inTransaction } from '../../prisma/client';
import { lockPaymentInOrder } from '../locks';
import { settleAttempt } from './settle-attempt';
import { callAndRecord, type AttemptDependencies } from './attempt';
import { beginAttempt } from './begin-attempt';
import { callTimeoutMs, NoClearAnswer } from './no-clear-answer';
import { mustRead, readState, type PaymentState } from './payment-state';
import { enqueueCancellation } from './store';

/** Null when there is no such payment. */
export async function loadPayment(
  deps: AttemptDependencies,
  paymentId: string,
): Promise<PaymentState | null> {
  return readState(deps.db, paymentId);
}

/** Sends the open attempt again with its key. @throws NoClearAnswer */
export async function repeatCall(deps: AttemptDependencies, paymentId: string): Promise<PaymentState> {
  const state = await mustRead(deps.db, paymentId);
  if (state.attempt === null || state.attempt.status !== 'processing') return state;
  const { number, trigger } = state.attempt;
  const request = { payment_id: paymentId, number, trigger };
  const begun = await beginAttempt(deps.db, request, true);
  if (begun.kind === 'answer') {
    // Who began the attempt is calling.
    if (begun.answer.status === 'open' && begun.answer.under_way_ms !== undefined) throw new NoClearAnswer();
    // The key may not be sent any more: only the provider's records show the outcome.
    return mustRead(deps.db, paymentId);
  }
  const answer = await callAndRecord(deps, request, begun, callTimeoutMs);
  const after = await mustRead(deps.db, paymentId);
  if (answer.status === 'open' && after.attempt?.status === 'processing') throw new NoClearAnswer();
  return after;
}

/** Marks the outcome as unknown: the repeated calls are used up. */
export async function markUnknown(deps: AttemptDependencies, paymentId: string): Promise<PaymentState> {
  return inTransaction(deps.db, async (tx) => {
    await lockPaymentInOrder(tx, paymentId);
    const state = await mustRead(tx, paymentId);
    if (state.attempt?.status !== 'processing') return state;
    const outcome = { status: 'unknown', reason: 'no_clear_answer' } as const;
    await settleAttempt(tx, paymentId, state.attempt.number, outcome, 'answer');
    return mustRead(tx, paymentId);
  });
}

/**
 * Cancels a payment. With an attempt open the request is recorded, and the attempt's failure becomes the cancellation.
 */
export async function cancelPayment(
  deps: AttemptDependencies,
  paymentId: string,
  reason: string,
): Promise<PaymentState> {
  return inTransaction(deps.db, async (tx) => {
    const { payment, realNow } = await lockPaymentInOrder(tx, paymentId);
    const state = await mustRead(tx, paymentId);
    const decision = decideCancelPayment(state.status, state.attempt?.status ?? null);
    if (decision !== 'cancel' && decision !== 'request') return state;
    const status = decision === 'cancel' ? 'cancelled' : payment.status;
    enqueueCancellation(tx, payment, status, reason, realNow);
    return { ...state, status, given_up: true };
  });
}
