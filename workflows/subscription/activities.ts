/**
 * The activities of `subscription/{id}`: all of them local, in the same workflow task.
 *
 * Invariants:
 * - A database step gives up after 5 s.
 * - A message's first step fails with `unavailable` at once; a later one waits on durable timers before, but not for ever:
 *   no step that fails for good holds up the messages behind it.
 * - An attempt never fails: without an answer it is open.
 */
import { ApplicationFailure, proxyLocalActivities } from '@temporalio/workflow';
import type { AttemptActivities, AttemptAnswer, AttemptRequest } from '../../activities/payment';
import type { SubscriptionActivities } from '../../activities/subscription';
import { failureCause, orUnavailable, retryInTurn } from '../activity-retry';

const database = proxyLocalActivities<SubscriptionActivities>({
  scheduleToCloseTimeout: '5 s',
  // The limit of attempts ends quick failures; the timeout ends only an attempt that hangs.
  retry: { initialInterval: '250 ms', backoffCoefficient: 2, maximumAttempts: 5 },
});

/** Transactions with a provider's call between them. */
const charging = proxyLocalActivities<SubscriptionActivities>({
  scheduleToCloseTimeout: '9 s',
  retry: { initialInterval: '250 ms', backoffCoefficient: 2, maximumAttempts: 5 },
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
      if (failureCause(error) !== null) return { status: 'open' };
      throw error;
    }
  },
};

/** A message's first step. @throws ApplicationFailure `unavailable` when the database is down */
export function firstStep<T>(step: (activities: SubscriptionActivities) => Promise<T>): Promise<T> {
  return orUnavailable(() => step(database));
}

/** {@link firstStep} that charges, once, however often it is repeated, or waits for a charge. */
export function firstChargingStep<T>(step: (activities: SubscriptionActivities) => Promise<T>): Promise<T> {
  return orUnavailable(() => step(charging));
}

/** Whether a step gave up because the database was down; its transaction may have committed all the same. */
export function isUnavailable(error: unknown): boolean {
  return error instanceof ApplicationFailure && error.type === 'unavailable';
}

/**
 * A step after the first commit: waits, visibly, until it can be done.
 * @throws ApplicationFailure a final refusal; `unavailable` after three tries
 */
export function laterStep<T>(step: (activities: SubscriptionActivities) => Promise<T>): Promise<T> {
  return retryInTurn(() => step(database));
}

/** {@link laterStep} that charges: once, however often it is repeated. */
export function chargingStep<T>(step: (activities: SubscriptionActivities) => Promise<T>): Promise<T> {
  return retryInTurn(() => step(charging));
}
