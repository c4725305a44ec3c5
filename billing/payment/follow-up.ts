/**
 * What `payment/{id}` does for an attempt without a clear answer: repeats the call, asks the provider, gives up.
 *
 * Invariants: unknown is not failed; only the provider's word, or its having twice never heard of the attempt long
 * after the last call, settles it; nothing here begins an attempt.
 */
import { ApplicationFailure } from '@temporalio/activity';
import { decideCancelPayment, failure, isAttemptOpen } from '../../domain/payment/payment';
import { nextLookup, lookupsEndAt, type LookupProgress } from '../../domain/payment/unknown-outcome';
import { databaseNow, inTransaction, type Transaction } from '../../prisma/client';
import { lockPaymentInOrder } from '../locks';
import { raiseOperatorTaskAgain, wasOperatorAsked } from '../operator-tasks';
import { settleAttempt } from './settle-attempt';
import { callAndRecord, type AttemptDependencies } from './attempt';
import { beginAttempt } from './begin-attempt';
import { absenceCountsAt, mustRead, readState, type PaymentState } from './payment-state';
import { providerCustomerOf } from './chargeable-method';

/** How long one repeated call or lookup may take. */
const callTimeoutMs = 12_000;
/** This many lookups in a row that never heard of an attempt prove that it never arrived. */
const lookupsThatProve = 2;

/** Null when there is no such payment. */
export async function loadPayment(
  deps: AttemptDependencies,
  paymentId: string,
): Promise<PaymentState | null> {
  return readState(deps.db, paymentId);
}

/**
 * Sends the open attempt again with its key.
 * @throws ApplicationFailure `no_clear_answer`, to be repeated, when the provider again says nothing
 */
export async function repeatCall(deps: AttemptDependencies, paymentId: string): Promise<PaymentState> {
  const state = await mustRead(deps.db, paymentId);
  if (state.attempt === null || state.attempt.status !== 'processing') return state;
  const { number, trigger } = state.attempt;
  const request = { payment_id: paymentId, number, trigger };
  const begun = await beginAttempt(deps.db, request, true);
  // The key may not be sent any more: only the provider's records can tell.
  if (begun.kind === 'answer') return mustRead(deps.db, paymentId);
  const answer = await callAndRecord(deps, request, begun, callTimeoutMs);
  const after = await mustRead(deps.db, paymentId);
  if (answer.status === 'open' && after.attempt?.status === 'processing') {
    throw ApplicationFailure.retryable('the provider gave no clear answer', 'no_clear_answer');
  }
  return after;
}

/** The repeats are used up: the outcome is unknown until the provider tells. */
export async function markUnknown(deps: AttemptDependencies, paymentId: string): Promise<PaymentState> {
  return inTransaction(deps.db, async (tx) => {
    await lockPaymentInOrder(tx, paymentId);
    const state = await mustRead(tx, paymentId);
    if (state.attempt?.status === 'processing') {
      const outcome = { status: 'unknown', reason: 'no_clear_answer' } as const;
      await settleAttempt(tx, paymentId, state.attempt.number, outcome, 'answer');
    }
    return mustRead(tx, paymentId);
  });
}

/**
 * Asks the provider what became of the open attempt and records what it says, and when it is asked again.
 * @param provesAbsence whether "never heard of it" counts at this step of the ladder
 * @param progress with this question
 */
export async function lookUp(
  deps: AttemptDependencies,
  paymentId: string,
  provesAbsence: boolean,
  progress?: LookupProgress,
): Promise<PaymentState> {
  return (await ask(deps, paymentId, provesAbsence, progress)).state;
}

/** `answered`: the provider told something, were it that it never heard of the attempt. */
async function ask(
  deps: AttemptDependencies,
  paymentId: string,
  provesAbsence: boolean,
  progress: LookupProgress | undefined,
): Promise<{ state: PaymentState; answered: boolean }> {
  const state = await mustRead(deps.db, paymentId);
  if (state.attempt === null || !isAttemptOpen(state.attempt.status)) return { state, answered: false };
  const { number } = state.attempt;
  const attempt = await deps.db.paymentAttempt.findUniqueOrThrow({
    where: { payment_id_number: { payment_id: paymentId, number } },
    include: { payment: true },
  });
  const provider = deps.providers.get(attempt.provider ?? '');
  if (attempt.settled_at !== null || provider === undefined) return { state, answered: false };
  const found = await provider.lookup(
    {
      idempotencyKey: attempt.idempotency_key,
      paymentId,
      amount: Number(attempt.amount),
      currency: attempt.currency,
      customerId: attempt.payment.customer_id,
      providerCustomer: await providerCustomerOf(deps.db, attempt.payment_method_id),
      startedAt: attempt.started_at.toISOString(),
    },
    callTimeoutMs,
  );
  const answered = found.status !== 'unknown' || found.reason === 'amount_mismatch';
  return inTransaction(deps.db, async (tx) => {
    if (found.status === 'not_found') await noteNotFound(tx, paymentId, number, provesAbsence);
    else {
      await forgetNotFound(tx, paymentId, number);
      if (answered) await settleAttempt(tx, paymentId, number, found, 'lookup');
    }
    const after = await mustRead(tx, paymentId);
    if (progress !== undefined) await recordLookupAfter(tx, after, progress);
    return { state: after, answered };
  });
}

/** By a test clock it is noted before it is waited for. */
async function recordLookupAfter(
  tx: Transaction,
  { attempt, test_clock: clock, ...payment }: PaymentState,
  progress: LookupProgress,
): Promise<void> {
  if (clock !== null || attempt === null || !isAttemptOpen(attempt.status)) return;
  const next = nextLookup({ ...payment, status: attempt.status }, progress);
  const at = next === null ? null : new Date(next.atMs).toISOString();
  await writeNextLookup(tx, payment.payment_id, attempt.number, at);
}

async function noteNotFound(
  tx: Transaction,
  paymentId: string,
  number: number,
  proves: boolean,
): Promise<void> {
  await lockPaymentInOrder(tx, paymentId);
  const key = { payment_id_number: { payment_id: paymentId, number } };
  const attempt = await tx.paymentAttempt.findUniqueOrThrow({ where: key });
  const now = await databaseNow(tx);
  const absenceCounts = now >= absenceCountsAt(attempt);
  // What the provider once acknowledged did arrive, whatever its records say later.
  const counts =
    proves && absenceCounts && attempt.provider_reference === null && !(await hasMismatch(tx, paymentId));
  await tx.paymentAttempt.update({
    where: key,
    data: { lookups: { increment: 1 }, lookups_not_found: counts ? { increment: 1 } : undefined },
  });
  if (!counts || attempt.lookups_not_found + 1 < lookupsThatProve) return;
  const never = failure('processing_error', 'The provider never received the attempt.');
  const outcome = { status: 'failed', provider_reference: null, failure: never } as const;
  await settleAttempt(tx, paymentId, number, outcome, 'lookup');
}

/** The provider once named another amount: it knew the attempt, and a person decides. */
async function hasMismatch(tx: Transaction, paymentId: string): Promise<boolean> {
  return wasOperatorAsked(tx, 'amount_mismatch', { type: 'payment', id: paymentId });
}

async function forgetNotFound(tx: Transaction, paymentId: string, number: number): Promise<void> {
  await lockPaymentInOrder(tx, paymentId);
  await tx.paymentAttempt.update({
    where: { payment_id_number: { payment_id: paymentId, number } },
    data: { lookups: { increment: 1 }, lookups_not_found: 0 },
  });
}

/**
 * The customer's time is over: asks the provider once more and ends the attempt as failed if it still waits.
 * @throws ApplicationFailure `no_clear_answer`, to be repeated, while the provider does not tell
 */
export async function endNotCompleted(
  deps: AttemptDependencies,
  paymentId: string,
  progress?: LookupProgress,
): Promise<PaymentState> {
  const { state, answered } = await ask(deps, paymentId, false, progress);
  if (!waitsForCustomer(state)) return state;
  if (!answered) throw ApplicationFailure.retryable('the provider gave no clear answer', 'no_clear_answer');
  return inTransaction(deps.db, async (tx) => {
    await lockPaymentInOrder(tx, paymentId);
    const { attempt } = await mustRead(tx, paymentId);
    if (attempt !== null && waitsForCustomer({ attempt })) {
      const never = failure('not_completed', 'The customer did not complete the payment in time.');
      const outcome = { status: 'failed', provider_reference: null, failure: never } as const;
      await settleAttempt(tx, paymentId, attempt.number, outcome, 'lookup');
    }
    return mustRead(tx, paymentId);
  });
}

function waitsForCustomer({ attempt }: Pick<PaymentState, 'attempt'>): boolean {
  return attempt?.status === 'pending' || attempt?.status === 'requires_action';
}

/** Nothing open: cancelled at once. An attempt open: the wish is recorded, and its failure becomes the cancellation. */
export async function cancelPayment(
  deps: AttemptDependencies,
  paymentId: string,
  reason: string,
): Promise<PaymentState> {
  return inTransaction(deps.db, async (tx) => {
    await lockPaymentInOrder(tx, paymentId);
    const state = await mustRead(tx, paymentId);
    const now = await databaseNow(tx);
    const decision = decideCancelPayment(state.status, state.attempt?.status ?? null);
    if (decision === 'cancel' || decision === 'wish') {
      await tx.payment.update({
        where: { id: paymentId },
        data: {
          version: { increment: 1 },
          status: decision === 'cancel' ? 'cancelled' : undefined,
          cancel_requested_at: now,
          cancel_reason: reason,
          updated_at: now,
        },
      });
    }
    return mustRead(tx, paymentId);
  });
}

/**
 * When the open attempt is asked about next, by the customer's time: a test clock stops there, and the reconciliation
 * sees that nobody asked.
 * @param at null: nothing is left to ask
 */
export async function recordNextLookup(
  deps: AttemptDependencies,
  paymentId: string,
  number: number,
  at: string | null,
): Promise<void> {
  await writeNextLookup(deps.db, paymentId, number, at);
}

async function writeNextLookup(
  tx: Transaction,
  paymentId: string,
  number: number,
  at: string | null,
): Promise<void> {
  await tx.paymentAttempt.updateMany({
    where: { payment_id: paymentId, number, settled_at: null },
    data: { next_question_at: at ?? lookupsEndAt },
  });
}

/** The provider could not tell for a day: a person has to find out. */
export async function requestOperatorDecision(deps: AttemptDependencies, paymentId: string): Promise<void> {
  await inTransaction(deps.db, async (tx) => {
    const detail = 'The provider has not told the outcome of the attempt for 24 hours.';
    const subject = { type: 'payment', id: paymentId } as const;
    await lockPaymentInOrder(tx, paymentId);
    const { attempt } = await mustRead(tx, paymentId);
    if (attempt?.status !== 'unknown') return;
    await raiseOperatorTaskAgain(tx, 'unknown_outcome', subject, detail, await databaseNow(tx));
  });
}
