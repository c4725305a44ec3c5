/**
 * Follows up a payment whose attempt has no clear answer, until it is settled; carries wishes to cancel.
 *
 * It begins no attempt but the first one of a first payment, when whoever was to begin it could not. Invariants:
 * unknown is not failed: nothing new is tried while the provider has not told; a run ends when the row is settled and
 * nothing is asked of it; each step judges by the row that its activity returns.
 */
import { ActivityFailure, condition, defineSignal, proxyActivities, setHandler } from '@temporalio/workflow';
import type { AttemptActivities, PaymentActivities, PaymentState } from '../activities/payment';
import type { CancelPayment, PaymentInput } from '../contracts/commands';
import { isPaymentOpen } from '../domain/payment';
import { lookupLadderMs, nextQuestion } from '../domain/unknown-outcome';
import { introducePayment, showPayment } from './payment-display';

/** Somebody else settled the row: look at it. */
export const settled = defineSignal('settled');
/** The payment is not wanted any more. */
export const cancel = defineSignal<[CancelPayment]>('cancel');

const steps = proxyActivities<PaymentActivities & AttemptActivities>({
  startToCloseTimeout: '30 s',
  retry: { initialInterval: '1 s', backoffCoefficient: 2, maximumInterval: '1 min' },
});
/** Repeats with the same key: 4 tries, 60 s in all. */
const repeats = proxyActivities<Pick<PaymentActivities, 'repeatCall'>>({
  startToCloseTimeout: '15 s',
  scheduleToCloseTimeout: '60 s',
  retry: { initialInterval: '1 s', backoffCoefficient: 3, maximumAttempts: 4 },
});

export async function payment({
  payment_id: paymentId,
  incomplete_hours: incompleteHours,
}: PaymentInput): Promise<void> {
  const wishes: CancelPayment[] = [];
  let told = false;
  setHandler(settled, () => {
    told = true;
  });
  setHandler(cancel, (wish) => {
    wishes.push(wish);
  });

  let state = await steps.loadPayment(paymentId);
  if (state !== null) introducePayment(state);
  if (state !== null && isUnattempted(state) && wishes.length === 0) {
    await steps.attemptPayment({ payment_id: paymentId, number: 1, trigger: 'first' });
    state = await steps.loadPayment(paymentId);
  }
  if (state?.attempt?.status === 'processing') state = await repeatCall(paymentId);
  const unknownSinceMs = Date.now();
  let lookups = 0;
  while (state !== null) {
    const wish = wishes.shift();
    if (wish !== undefined) state = await steps.cancelPayment(paymentId, wish.reason);
    else if (needsFollowUp(state)) state = await askWhenDue(state);
    else {
      await tellSubscription(state);
      // A wish that came meanwhile is not lost with the run.
      if (wishes.length === 0) return;
    }
  }

  /** One question to the provider when its time has come; a look at the row when somebody spoke before. */
  async function askWhenDue(open: PaymentState): Promise<PaymentState | null> {
    const question = nextQuestion(open, { unknownSinceMs, lookups, incompleteHours });
    showPayment(open, question);
    if (await wokenBefore(question?.atMs ?? null)) {
      told = false;
      return steps.loadPayment(paymentId);
    }
    if (question === null) return open;
    if (question.last) return steps.endNotCompleted(paymentId);
    lookups += 1;
    const after = await steps.lookUp(paymentId, question.provesAbsence);
    if (lookups === lookupLadderMs.length && after.status === 'unknown') await steps.askOperator(paymentId);
    return after;
  }

  /** True when somebody spoke before the instant; null: waits for that alone. */
  async function wokenBefore(atMs: number | null): Promise<boolean> {
    const woken = () => told || wishes.length > 0;
    if (atMs !== null) return condition(woken, Math.max(1, atMs - Date.now()));
    await condition(woken);
    return true;
  }
}

/** The attempt that creates a subscription was wanted, and its row never written. */
function isUnattempted({ kind, status, attempt }: PaymentState): boolean {
  return kind === 'first' && status === 'requested' && attempt === null;
}

/** An attempt is open; without one there is nothing to ask about. */
function needsFollowUp(state: PaymentState): boolean {
  return state.attempt !== null && isPaymentOpen(state.status);
}

/** Sends the open attempt again; what has no clear answer then is unknown. */
async function repeatCall(paymentId: string): Promise<PaymentState> {
  try {
    const repeated = await repeats.repeatCall(paymentId);
    if (repeated.attempt?.status !== 'processing') return repeated;
  } catch (error) {
    if (!(error instanceof ActivityFailure)) throw error;
  }
  return steps.markUnknown(paymentId);
}

/** First and proration payments are waited for by their subscription. */
async function tellSubscription(final: PaymentState): Promise<void> {
  const waitedFor = final.kind === 'first' || final.kind === 'proration';
  const outcome = final.attempt?.status;
  if (!waitedFor || final.subscription_id === null) return;
  if (outcome !== 'completed' && outcome !== 'failed') return;
  await steps.tellSubscription(final.subscription_id, { payment_id: final.payment_id, outcome });
}
