/**
 * Retries one failed payment: waits for the planned instant, attempts, plans again, and gives up when grace is over.
 *
 * Invariants:
 * - Signals only wake; every plan and attempt reads the rows, so a signal from before this run is not lost.
 * - While an attempt is open nothing new is attempted.
 * - A run ends when nothing is left to retry.
 */
import { continueAsNew, defineSignal, setHandler, workflowInfo } from '@temporalio/workflow';
import type { RetryInput } from '../../contracts/workflows/commands';
import { database } from './activities';
import { introduceRetry, showRetry } from './display';
import { createRetryProcess } from './process';

/** An attempt failed: the reason to begin. */
export const failed = defineSignal('failed');
/** A manual retry was requested; the request is a row. */
export const manualRetry = defineSignal('manualRetry');
/** The subscription was resumed after a pause. */
export const release = defineSignal('release');
/** The subscription has another payment method. */
export const paymentMethodChanged = defineSignal('paymentMethodChanged');
/** The customer's test clock was advanced. */
export const clockAdvanced = defineSignal('clockAdvanced');
/** An attempt without a clear answer has its outcome. */
export const settled = defineSignal('settled');

export async function retry(input: RetryInput): Promise<void> {
  const process = createRetryProcess(input.payment_id);
  for (const signal of [failed, manualRetry, release, paymentMethodChanged, clockAdvanced, settled]) {
    setHandler(signal, process.wake);
  }
  let introduced = false;
  while (!workflowInfo().continueAsNewSuggested) {
    process.beginTurn();
    if (await process.executeRequest()) continue;
    const state = await database.planRetry(input.payment_id);
    if (state === null) return;
    if (!introduced) introduceRetry(state);
    introduced = true;
    showRetry(state);
    // A signal that arrived meanwhile must not be lost with the run.
    if ((await process.execute(state)) && !process.wasWoken()) return;
  }
  await continueAsNew<typeof retry>(input);
}
