/**
 * The lookups of an open attempt: what the provider reports is recorded, with when it is asked next.
 *
 * Invariants: only the provider's answer settles an attempt, or an absence that ends it (`absent-attempt.ts`); an open
 * attempt always has a next lookup; one that is open for longer than it should, or that cannot be given up, has an open
 * operator task.
 */
import { isAttemptOpen } from '../../domain/payment/payment';
import { isClear } from '../../domain/payment/settlement';
import {
  needsOperator,
  nextLookup,
  openPayment,
  type LookupProgress,
} from '../../domain/payment/unknown-outcome';
import { inTransaction, type Transaction } from '../../prisma/client';
import { timesForCustomer } from '../clock';
import { lockPaymentInOrder } from '../locks';
import { enqueueReopenedTask, wasOperatorAsked } from '../operator-tasks';
import { recordNotFound, sendAgain, type SentAgain } from './absent-attempt';
import { askProvider, type GivenUp, type ProviderAnswer } from './ask-provider';
import type { AttemptDependencies } from './attempt';
import { enqueueCancelAsked, enqueueLookup, updateNextLookup, type RecordedLookup } from './attempt-store';
import { NoClearAnswer } from './no-clear-answer';
import { mustRead, type PaymentState } from './payment-state';
import { lockAttempt, settleLocked, type LockedAttempt } from './settle-attempt';

/**
 * Looks up what became of the open attempt, or has it cancelled where it is not wanted any more; records the answer and
 * when the next lookup is due. An attempt that never arrived is sent again.
 * @param provesAbsence whether finding nothing counts at this step of the schedule
 * @param progress with this lookup
 */
export async function lookUp(
  deps: AttemptDependencies,
  paymentId: string,
  provesAbsence: boolean,
  progress: LookupProgress,
): Promise<PaymentState> {
  return (await lookUpAndRecord(deps, paymentId, progress, { provesAbsence, isOverdue: false })).state;
}

/**
 * Ends the attempt if it still waits for the customer: the customer's time is over, and the provider cancels the charge.
 * Where the provider does not, it stays open, and an operator is asked.
 * @throws NoClearAnswer
 */
export async function endNotCompleted(
  deps: AttemptDependencies,
  paymentId: string,
  progress: LookupProgress,
): Promise<PaymentState> {
  const asking = { provesAbsence: false, isOverdue: true };
  const { state, answered } = await lookUpAndRecord(deps, paymentId, progress, asking);
  if (waitsForCustomer(state) && !answered) throw new NoClearAnswer();
  return state;
}

function waitsForCustomer({ attempt }: Pick<PaymentState, 'attempt'>): boolean {
  return attempt?.status === 'pending' || attempt?.status === 'requires_action';
}

/** How a lookup is made. */
interface Asking {
  /** Whether finding nothing counts. */
  provesAbsence: boolean;
  /** The time given to the customer is over. */
  isOverdue: boolean;
}

/** A lookup that was made a moment ago. */
interface MadeLookup {
  answer: ProviderAnswer;
  givenUp: GivenUp;
  provesAbsence: boolean;
  /** With this lookup. */
  progress: LookupProgress & { lastLookupMs: number };
}

/** `answered`: the provider reported an outcome, or that it knows no such attempt. */
async function lookUpAndRecord(
  deps: AttemptDependencies,
  paymentId: string,
  progress: LookupProgress,
  { provesAbsence, isOverdue }: Asking,
): Promise<{ state: PaymentState; answered: boolean }> {
  const state = await mustRead(deps.db, paymentId);
  if (state.attempt === null || !isAttemptOpen(state.attempt.status)) return { state, answered: false };
  const { number } = state.attempt;
  const givenUp = givenUpAs(state, isOverdue);
  const answer = await askProvider(deps, state, number, givenUp);
  if (answer === null) return { state, answered: false };
  const recorded = await inTransaction(deps.db, async (tx) => {
    const locked = await lockAttempt(tx, paymentId, number);
    const { now } = await timesForCustomer(tx, locked.payment.customer_id, locked.realNow);
    const withThis = { ...progress, lastLookupMs: now.getTime() };
    return record(tx, locked, { answer, givenUp, provesAbsence, progress: withThis });
  });
  const { sent, answered, made } = recorded;
  if (sent === null) return { state: recorded.state, answered };
  await sendAgain(deps, sent);
  return inTransaction(deps.db, async (tx) => ({ state: await stateAfter(tx, paymentId, made), answered }));
}

/** Why the attempt is not looked up but cancelled; null: it is wanted. What was once given up stays so. */
function givenUpAs(state: PaymentState, isOverdue: boolean): GivenUp {
  if (state.given_up === true) return 'not_wanted';
  if (state.other_card === true) return 'other_card';
  const wasGivenUp = isOverdue || (state.attempt?.cancel_asked_at ?? null) !== null;
  return wasGivenUp && waitsForCustomer(state) ? 'not_completed' : null;
}

async function record(tx: Transaction, locked: LockedAttempt, made: MadeLookup) {
  const { answer, givenUp } = made;
  const { found } = answer;
  const answered = found.status === 'not_found' || isClear(found);
  const now = new Date(made.progress.lastLookupMs);
  const times = { openSince: new Date(made.progress.unknownSinceMs), lookedUpAt: now };
  // Without an answer an abandoned payment is to be given up again soon.
  const isAsked = givenUp === 'not_wanted' || givenUp === 'other_card';
  if (isAsked || answer.keptOpen) enqueueCancelAsked(tx, locked.attempt, now);
  const sent = await recordFound(tx, locked, made, times);
  const state = await stateAfter(tx, locked.payment.id, made);
  await askOperator(tx, locked, state, made);
  return { state, answered, sent, made };
}

/** @returns what is to be sent again; null: nothing is */
async function recordFound(
  tx: Transaction,
  locked: LockedAttempt,
  { answer: { found }, givenUp, provesAbsence }: MadeLookup,
  times: Omit<RecordedLookup, 'notFound'>,
): Promise<SentAgain | null> {
  if (found.status === 'not_found') {
    return recordNotFound(tx, locked, { provesAbsence, isWanted: givenUp === null }, times);
  }
  enqueueLookup(tx, locked.attempt, { ...times, notFound: 0 });
  if (isClear(found)) await settleLocked(tx, locked, found, 'lookup');
  return null;
}

/** Reads the state and records when its next lookup is due; by a test clock that is recorded before it is waited for. */
async function stateAfter(
  tx: Transaction,
  paymentId: string,
  { progress }: Pick<MadeLookup, 'progress'>,
): Promise<PaymentState> {
  const state = await mustRead(tx, paymentId);
  const { attempt, test_clock: clock } = state;
  if (clock !== null || attempt === null || !isAttemptOpen(attempt.status)) return state;
  const { atMs } = nextLookup(openPayment(state, attempt), progress);
  await updateNextLookup(tx, paymentId, attempt.number, new Date(atMs));
  return state;
}

/** Raises a task about an attempt that is open for too long, or was given up in vain; a resolved one is opened again. */
async function askOperator(
  tx: Transaction,
  { payment: { id }, realNow }: LockedAttempt,
  { attempt }: PaymentState,
  { answer, givenUp, progress: { unknownSinceMs, lastLookupMs } }: MadeLookup,
): Promise<void> {
  if (attempt === null || !isAttemptOpen(attempt.status)) return;
  const isKept = givenUp !== null && answer.keptOpen;
  if (!isKept && !needsOperator(attempt.status, lastLookupMs - unknownSinceMs)) return;
  const subject = { type: 'payment', id } as const;
  // Another amount is a question of its own, which the operator answers with the outcome.
  if (await wasOperatorAsked(tx, 'amount_mismatch', subject)) return;
  const since = new Date(unknownSinceMs).toISOString();
  const why = isKept ? keptReasons[givenUp] : 'the provider has not decided it, and is asked each day';
  const detail = `Attempt ${attempt.number} is ${attempt.status} since ${since}: ${why}.`;
  enqueueReopenedTask(tx, 'unknown_outcome', subject, detail, realNow);
}

const keptReasons: Record<NonNullable<GivenUp>, string> = {
  not_wanted:
    'it is not wanted any more, and the provider does not cancel it; what it still takes goes back. It is asked each day',
  other_card:
    'its customer gave another payment method, and the provider does not cancel it; the other one is charged once it has failed. It is asked each day',
  not_completed:
    'its customer did not complete it in time, and the provider does not cancel it; paid late, it counts. It is asked each day',
};

/**
 * Records when the open attempt is looked up next, by the customer's time: a test clock stops there, and the
 * reconciliation sees that it was not.
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
