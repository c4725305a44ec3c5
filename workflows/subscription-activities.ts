/**
 * How `subscription/{id}` reaches its activities: all of them local, in the same workflow task.
 *
 * Invariants: a database step gives up after 5 s; only a message's first step may fail with `unavailable`; a later
 * one waits on a durable timer and goes on, for what is begun must be finished; an attempt never fails, it is open.
 */
import { ApplicationFailure, ActivityFailure, proxyLocalActivities, sleep } from '@temporalio/workflow';
import type { AttemptActivities, AttemptAnswer, AttemptRequest } from '../activities/payment';
import type { SubscriptionActivities } from '../activities/subscription';

const database = proxyLocalActivities<SubscriptionActivities>({
  scheduleToCloseTimeout: '5 s',
  retry: { initialInterval: '100 ms', backoffCoefficient: 2, maximumInterval: '1 s' },
});

const provider = proxyLocalActivities<AttemptActivities>({
  scheduleToCloseTimeout: '7 s',
  retry: { maximumAttempts: 1 },
});

export const attempts = {
  /** Taking longer than 7 s in all, or throwing, is `open`. */
  async attempt(request: AttemptRequest): Promise<AttemptAnswer> {
    try {
      return await provider.attemptPayment(request);
    } catch (error) {
      if (error instanceof ActivityFailure) return { status: 'open' };
      throw error;
    }
  },
};

/** A message's first step. @throws ApplicationFailure `unavailable` when the database is away */
export async function firstStep<T>(step: (activities: SubscriptionActivities) => Promise<T>): Promise<T> {
  try {
    return await step(database);
  } catch (error) {
    throw refusalOf(error) ?? ApplicationFailure.nonRetryable('the database is away', 'unavailable');
  }
}

/** A step after the first commit: waits, visibly, until it can be done. @throws only what it refuses for good */
export async function laterStep<T>(step: (activities: SubscriptionActivities) => Promise<T>): Promise<T> {
  for (let waitMs = 1_000; ; waitMs = Math.min(waitMs * 2, 60_000)) {
    try {
      return await step(database);
    } catch (error) {
      const refusal = refusalOf(error);
      if (refusal !== null) throw refusal;
      if (!(error instanceof ActivityFailure)) throw error;
      await sleep(waitMs, { summary: 'the database is away; trying again' });
    }
  }
}

/** What an activity refused for good; null for what may pass. */
function refusalOf(error: unknown): ApplicationFailure | null {
  if (!(error instanceof ActivityFailure) || !(error.cause instanceof ApplicationFailure)) return null;
  return error.cause.nonRetryable ? error.cause : null;
}
