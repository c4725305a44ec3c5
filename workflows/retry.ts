/**
 * Collects one failed payment: waits for the planned instant, attempts, plans again, and gives up when grace is over.
 *
 * Invariants: signals only wake, every plan and attempt reads the rows, so that a word spoken before this run existed
 * loses nothing; while an attempt is open nothing new is tried; a run ends when nothing is left to collect.
 */
import { condition, continueAsNew, defineSignal, setHandler, workflowInfo } from '@temporalio/workflow';
import type { RetryState } from '../activities/retry';
import type { RetryInput } from '../contracts/commands';
import { database, provider } from './retry-activities';
import { introduceRetry, showRetry } from './retry-display';

/** An attempt failed: the reason to begin. */
export const failed = defineSignal('failed');
/** A person wants an attempt now; the wish is a row. */
export const manualRetry = defineSignal('manualRetry');
/** The subscription goes on after a pause. */
export const release = defineSignal('release');
/** The subscription has another payment method. */
export const paymentMethodChanged = defineSignal('paymentMethodChanged');
/** The customer's test clock was advanced. */
export const clockAdvanced = defineSignal('clockAdvanced');
/** An attempt without a clear answer has its outcome. */
export const settled = defineSignal('settled');

const minuteMs = 60_000;
/** What nobody tells of is looked at again after so long at most. */
const longestLookMs = 60 * minuteMs;

export async function retry(input: RetryInput): Promise<void> {
  const { payment_id: paymentId } = input;
  let woken = false;
  let looks = 0;
  let introduced = false;
  let collectionTold = false;
  for (const signal of [failed, manualRetry, release, paymentMethodChanged, clockAdvanced, settled]) {
    setHandler(signal, () => {
      woken = true;
    });
  }

  while (!workflowInfo().continueAsNewSuggested) {
    woken = false;
    if (await fulfilRequest()) continue;
    const state = await database.planRetry(paymentId);
    if (state === null) return;
    if (!introduced) introduceRetry(state);
    introduced = true;
    showRetry(state);
    if (await isOver(state)) {
      if (!woken) return;
    } else if (state.next.kind === 'attempt' && (await isDue(state, state.next.at))) await attempt(state);
  }
  await continueAsNew<typeof retry>(input);

  /** A person's wish is fulfilled at once, whatever is planned. */
  async function fulfilRequest(): Promise<boolean> {
    const wanted = await database.nextRequest(paymentId);
    if (wanted === null) return false;
    const { retry_request_id: requestId, number, payment_method_id } = wanted;
    const answer = await provider.attempt({
      payment_id: paymentId,
      number,
      trigger: 'manual_retry',
      payment_method_id,
    });
    await database.concludeRequest(requestId, answer);
    if (answer.status === 'open') await database.startFollowUp(paymentId);
    return true;
  }

  /** Tells the subscription what it has to know, and waits where there is nothing to attempt. */
  async function isOver(state: RetryState): Promise<boolean> {
    const { next } = state;
    if (next.kind === 'done') return true;
    if (next.kind === 'open') {
      looks += 1;
      await wakenOr(Math.min(minuteMs * 2 ** (looks - 1), longestLookMs));
      return false;
    }
    looks = 0;
    await tellCollectionStarted(state);
    if (next.kind === 'wait') {
      await untilInstant(state, next.until);
      return false;
    }
    if (next.kind !== 'exhausted' || !(await isDue(state, next.at))) return false;
    await tellCollectionExhausted(state, next.final_action);
    return true;
  }

  async function attempt({ next_number: number }: RetryState): Promise<void> {
    const answer = await provider.attempt({ payment_id: paymentId, number, trigger: 'automatic_retry' });
    if (answer.status === 'open') await database.startFollowUp(paymentId);
    // What stands in the way is in the rows; if they do not say so, trying at once again would find the same.
    if (answer.status === 'refused') await wakenOr(minuteMs);
  }

  async function tellCollectionStarted(state: RetryState): Promise<void> {
    const { subscription_id: subscriptionId, period_index: index } = state;
    if (collectionTold || subscriptionId === null || index === null) return;
    await database.tellCollectionStarted(subscriptionId, { payment_id: paymentId, period_index: index });
    collectionTold = true;
  }

  async function tellCollectionExhausted(
    { subscription_id: subscriptionId, period_index: index }: RetryState,
    action: Extract<RetryState['next'], { kind: 'exhausted' }>['final_action'],
  ): Promise<void> {
    if (subscriptionId === null || index === null) return;
    const told = { payment_id: paymentId, period_index: index, final_action: action };
    await database.tellCollectionExhausted(subscriptionId, told);
  }

  /** True when the instant has come; false when somebody spoke before it. */
  async function isDue(state: RetryState, at: string): Promise<boolean> {
    const now = state.clock_now === null ? Date.now() : Date.parse(state.clock_now);
    if (Date.parse(at) <= now) return true;
    await untilInstant(state, at);
    return false;
  }

  /** Until somebody speaks, or the instant; a test clock speaks when it gets there. Null: until somebody speaks. */
  async function untilInstant({ clock_now: clockNow }: RetryState, at: string | null): Promise<void> {
    if (clockNow !== null) await condition(() => woken);
    else await wakenOr(at === null ? longestLookMs : Date.parse(at) - Date.now());
  }

  async function wakenOr(ms: number): Promise<void> {
    await condition(() => woken, Math.max(1, ms));
  }
}
