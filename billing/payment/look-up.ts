/**
 * The lookups of an open attempt: what the provider says is recorded, with when it is asked next.
 *
 * Invariants: only the provider's answer, or lookups that prove the attempt's absence, settle an attempt; an open attempt
 * always has a next lookup; one that is open for longer than it should has an open operator task.
 */
import { failure, isAttemptOpen } from '../../domain/payment/payment';
import { isClear } from '../../domain/payment/settlement';
import {
  decideNotFound,
  needsOperator,
  nextLookup,
  type LookupProgress,
} from '../../domain/payment/unknown-outcome';
import { inTransaction, type Transaction } from '../../prisma/client';
import type { LookupOutcome } from '../../providers/port';
import { timesForCustomer } from '../clock';
import { lockPaymentInOrder } from '../locks';
import { enqueueReopenedTask, wasOperatorAsked } from '../operator-tasks';
import type { AttemptDependencies } from './attempt';
import { attemptOf, enqueueLookup, updateNextLookup } from './attempt-store';
import { providerCustomerOf } from './chargeable-method';
import { callTimeoutMs, NoClearAnswer } from './no-clear-answer';
import { mustRead, type PaymentState } from './payment-state';
import { lockAttempt, settleAttempt, settleLocked, type LockedAttempt } from './settle-attempt';

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
    const { now } = await timesForCustomer(tx, locked.payment.customer_id, locked.realNow);
    const made: MadeLookup = { progress: { ...progress, lastLookupMs: now.getTime() }, provesAbsence };
    await recordLookup(tx, locked, found, made);
    const after = await mustRead(tx, paymentId);
    await recordLookupAfter(tx, after, made.progress);
    await askOperatorInTime(tx, locked, after, made.progress);
    return { state: after, answered: found.status === 'not_found' || isClear(found) };
  });
}

/** A lookup that was made a moment ago. */
interface MadeLookup {
  /** With this lookup. */
  progress: LookupProgress & { lastLookupMs: number };
  /** Whether finding nothing counts. */
  provesAbsence: boolean;
}

/** Null: there is nothing to ask about. */
async function askProvider(
  { db, providers }: AttemptDependencies,
  { payment_id: paymentId, customer_id: customerId }: PaymentState,
  number: number,
): Promise<LookupOutcome | null> {
  const attempt = await attemptOf(db, paymentId, number);
  if (attempt.settled_at !== null) return null;
  const provider = providers.get(attempt.provider ?? '');
  if (provider === undefined) return { status: 'unknown', reason: 'provider_not_configured' };
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
  made: MadeLookup,
): Promise<void> {
  if (found.status === 'not_found') return recordNotFound(tx, locked, made);
  enqueueMade(tx, locked, made, 0);
  if (isClear(found)) await settleLocked(tx, locked, found, 'lookup');
}

function enqueueMade(
  tx: Transaction,
  { attempt }: LockedAttempt,
  { progress: { unknownSinceMs, lastLookupMs } }: MadeLookup,
  notFound: number,
): void {
  const times = { openSince: new Date(unknownSinceMs), lookedUpAt: new Date(lastLookupMs) };
  enqueueLookup(tx, attempt, { ...times, notFound });
}

async function recordNotFound(tx: Transaction, locked: LockedAttempt, made: MadeLookup): Promise<void> {
  const { payment, attempt, realNow } = locked;
  const subject = { type: 'payment', id: payment.id } as const;
  const { notFound, conclusive } = decideNotFound({
    provesAbsence: made.provesAbsence,
    nowMs: realNow.getTime(),
    lastCallMs: (attempt.last_call_ended_at ?? attempt.started_at).getTime(),
    acknowledged:
      attempt.provider_reference !== null || (await wasOperatorAsked(tx, 'amount_mismatch', subject)),
    notFoundBefore: attempt.lookups_not_found,
  });
  enqueueMade(tx, locked, made, notFound);
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
  const { atMs } = nextLookup({ ...payment, status: attempt.status }, progress);
  await updateNextLookup(tx, payment.payment_id, attempt.number, new Date(atMs));
}

/** Raises a task about an attempt that is open for too long; one that was resolved before is opened again. */
async function askOperatorInTime(
  tx: Transaction,
  { payment: { id }, realNow }: LockedAttempt,
  { attempt }: PaymentState,
  { unknownSinceMs, lastLookupMs }: MadeLookup['progress'],
): Promise<void> {
  if (attempt === null || !needsOperator(attempt.status, lastLookupMs - unknownSinceMs)) return;
  const subject = { type: 'payment', id } as const;
  // Another amount is a question of its own, which the operator answers with the outcome.
  if (await wasOperatorAsked(tx, 'amount_mismatch', subject)) return;
  const since = new Date(unknownSinceMs).toISOString();
  const detail = `Attempt ${attempt.number} is ${attempt.status} since ${since}: the provider has not decided it, and is asked each day.`;
  enqueueReopenedTask(tx, 'unknown_outcome', subject, detail, realNow);
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
 * Records when the open attempt is looked up next, by the customer's time: a test clock stops there, and the
 * reconciliation sees that nobody did.
 * @param at null: no lookup is left, by a run of before lookups went on for ever
 */
export async function recordNextLookup(
  deps: AttemptDependencies,
  paymentId: string,
  number: number,
  at: string | null,
): Promise<void> {
  await updateNextLookup(deps.db, paymentId, number, new Date(at ?? lookupsEndAt));
}

/** Where it is read that an open attempt is not looked up any more: runs of before lookups went on for ever record it. */
const lookupsEndAt = '9999-12-31T00:00:00.000Z';

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
