/**
 * What `payment/{id}` does for an attempt without a clear answer: repeats the call, looks it up, gives up.
 *
 * Invariants: unknown is not failed; only the provider's answer, or lookups that prove the attempt's absence, settle it;
 * nothing here begins an attempt.
 */
import { decideCancelPayment, failure, isAttemptOpen } from '../../domain/payment/payment';
import { isClear } from '../../domain/payment/settlement';
import {
  decideNotFound,
  lookupsEndAt,
  nextLookup,
  type LookupProgress,
} from '../../domain/payment/unknown-outcome';
import { inTransaction, type Transaction } from '../../prisma/client';
import type { LookupOutcome } from '../../providers/port';
import { lockPaymentInOrder } from '../locks';
import { enqueueReopenedTask, wasOperatorAsked } from '../operator-tasks';
import { lockAttempt, settleAttempt, settleLocked, type LockedAttempt } from './settle-attempt';
import { callAndRecord, type AttemptDependencies } from './attempt';
import { beginAttempt } from './begin-attempt';
import { mustRead, readState, type PaymentState } from './payment-state';
import { providerCustomerOf } from './chargeable-method';
import { attemptOf, enqueueLookup, updateNextLookup } from './attempt-store';
import { enqueueCancellation } from './store';

/** How long one repeated call or lookup may take. */
const callTimeoutMs = 12_000;

/** The provider again said nothing about the attempt: the step is to be repeated. */
export class NoClearAnswer extends Error {
  override readonly name = 'NoClearAnswer';
  constructor() {
    super('the provider gave no clear answer');
  }
}

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
  // The key may not be sent any more: only the provider's records show the outcome.
  if (begun.kind === 'answer') return mustRead(deps.db, paymentId);
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
 * Looks up what became of the open attempt, records the answer and when the next lookup is due.
 * @param provesAbsence whether finding nothing counts at this step of the schedule
 * @param progress with this lookup
 */
export async function lookUp(
  deps: AttemptDependencies,
  paymentId: string,
  provesAbsence: boolean,
  progress: LookupProgress,
): Promise<PaymentState> {
  return (await lookUpAndRecord(deps, paymentId, provesAbsence, progress)).state;
}

/** `answered`: the provider said something, be it that it knows no such attempt. */
async function lookUpAndRecord(
  deps: AttemptDependencies,
  paymentId: string,
  provesAbsence: boolean,
  progress: LookupProgress,
): Promise<{ state: PaymentState; answered: boolean }> {
  const state = await mustRead(deps.db, paymentId);
  if (state.attempt === null || !isAttemptOpen(state.attempt.status)) return { state, answered: false };
  const { number } = state.attempt;
  const found = await askProvider(deps, state, number);
  if (found === null) return { state, answered: false };
  return inTransaction(deps.db, async (tx) => {
    const locked = await lockAttempt(tx, paymentId, number);
    await recordLookup(tx, locked, found, provesAbsence);
    const after = await mustRead(tx, paymentId);
    await recordLookupAfter(tx, after, progress);
    return { state: after, answered: found.status === 'not_found' || isClear(found) };
  });
}

/** Null: there is nothing to ask, or no provider. */
async function askProvider(
  { db, providers }: AttemptDependencies,
  { payment_id: paymentId, customer_id: customerId }: PaymentState,
  number: number,
): Promise<LookupOutcome | null> {
  const attempt = await attemptOf(db, paymentId, number);
  const provider = providers.get(attempt.provider ?? '');
  if (attempt.settled_at !== null || provider === undefined) return null;
  const request = {
    idempotencyKey: attempt.idempotency_key,
    paymentId,
    amount: Number(attempt.amount),
    currency: attempt.currency,
    customerId,
    providerCustomer: await providerCustomerOf(db, attempt.payment_method_id),
    startedAt: attempt.started_at.toISOString(),
  };
  return provider.lookup(request, callTimeoutMs);
}

async function recordLookup(
  tx: Transaction,
  locked: LockedAttempt,
  found: LookupOutcome,
  provesAbsence: boolean,
): Promise<void> {
  if (found.status === 'not_found') return recordNotFound(tx, locked, provesAbsence);
  enqueueLookup(tx, locked.attempt, 0);
  if (isClear(found)) await settleLocked(tx, locked, found, 'lookup');
}

async function recordNotFound(tx: Transaction, locked: LockedAttempt, provesAbsence: boolean): Promise<void> {
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
  enqueueLookup(tx, attempt, notFound);
  if (!conclusive) return;
  const never = failure('processing_error', 'The provider never received the attempt.');
  const outcome = { status: 'failed', provider_reference: null, failure: never } as const;
  await settleLocked(tx, locked, outcome, 'lookup');
}

/** By a test clock it is recorded before it is waited for. */
async function recordLookupAfter(
  tx: Transaction,
  { attempt, test_clock: clock, ...payment }: PaymentState,
  progress: LookupProgress,
): Promise<void> {
  if (clock !== null || attempt === null || !isAttemptOpen(attempt.status)) return;
  const next = nextLookup({ ...payment, status: attempt.status }, progress);
  await updateNextLookup(tx, payment.payment_id, attempt.number, new Date(next?.atMs ?? lookupsEndAt));
}

/**
 * Ends the attempt as failed if it still waits for the customer after one more lookup: the customer's time is over.
 * @throws NoClearAnswer
 */
export async function endNotCompleted(
  deps: AttemptDependencies,
  paymentId: string,
  progress: LookupProgress,
): Promise<PaymentState> {
  const { state, answered } = await lookUpAndRecord(deps, paymentId, false, progress);
  if (!waitsForCustomer(state)) return state;
  if (!answered) throw new NoClearAnswer();
  return inTransaction(deps.db, async (tx) => {
    await lockPaymentInOrder(tx, paymentId);
    const now = await mustRead(tx, paymentId);
    if (now.attempt === null || !waitsForCustomer(now)) return now;
    const never = failure('not_completed', 'The customer did not complete the payment in time.');
    const outcome = { status: 'failed', provider_reference: null, failure: never } as const;
    await settleAttempt(tx, paymentId, now.attempt.number, outcome, 'lookup');
    return mustRead(tx, paymentId);
  });
}

function waitsForCustomer({ attempt }: Pick<PaymentState, 'attempt'>): boolean {
  return attempt?.status === 'pending' || attempt?.status === 'requires_action';
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
    return { ...state, status };
  });
}

/**
 * Records when the open attempt is looked up next, by the customer's time: a test clock stops there, and the
 * reconciliation sees that nobody did.
 * @param at null: no lookup is left
 */
export async function recordNextLookup(
  deps: AttemptDependencies,
  paymentId: string,
  number: number,
  at: string | null,
): Promise<void> {
  await updateNextLookup(deps.db, paymentId, number, new Date(at ?? lookupsEndAt));
}

/** Raises a task: the lookups of a day brought no outcome. */
export async function requestOperatorDecision(deps: AttemptDependencies, paymentId: string): Promise<void> {
  await inTransaction(deps.db, async (tx) => {
    const { realNow } = await lockPaymentInOrder(tx, paymentId);
    const { attempt } = await mustRead(tx, paymentId);
    if (attempt?.status !== 'unknown') return;
    const detail = 'The provider has not told the outcome of the attempt for 24 hours.';
    enqueueReopenedTask(tx, 'unknown_outcome', { type: 'payment', id: paymentId }, detail, realNow);
  });
}
