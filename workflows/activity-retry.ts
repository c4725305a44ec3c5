/** Retries activities from a workflow, and distinguishes failures outside from faults of this code. */
import {
  ActivityFailure,
  ApplicationFailure,
  isCancellation,
  sleep,
  TemporalFailure,
} from '@temporalio/workflow';

/** Repeats a step until it is done; in between it waits, visibly, on a durable timer. @throws only a final refusal */
export async function retryUntilDone<T>(step: () => Promise<T>): Promise<T> {
  for (let waitMs = 1_000; ; waitMs = Math.min(waitMs * 2, 60_000)) {
    try {
      return await step();
    } catch (error) {
      const refusal = refusalOf(error);
      if (refusal !== null) throw refusal;
      if (failureCause(error) === null) throw error;
      await sleep(waitMs, { summary: 'the database is down; trying again' });
    }
  }
}

/** Turns a failure that may pass into a refusal: `unavailable`. @throws ApplicationFailure */
export async function orUnavailable<T>(step: () => Promise<T>): Promise<T> {
  try {
    return await step();
  } catch (error) {
    if (failureCause(error) === null) throw error;
    throw refusalOf(error) ?? ApplicationFailure.nonRetryable('the database is down', 'unavailable');
  }
}

/** So often a step is tried within its message's turn, with 3 s of pauses between. */
const triesInTurn = 3;

/**
 * Repeats a step as {@link retryUntilDone} does, but not for ever: the messages behind wait for their turn.
 * @throws ApplicationFailure a final refusal; `unavailable`: what is left to do has to be read from the rows, later
 */
export async function retryInTurn<T>(step: () => Promise<T>): Promise<T> {
  let tries = 0;
  return retryUntilDone(() => {
    tries += 1;
    return tries < triesInTurn ? step() : orUnavailable(step);
  });
}

/** The failure of an activity (that of a local one may come bare); null for a fault of this code. */
export function failureCause(error: unknown): TemporalFailure | null {
  const cause = error instanceof ActivityFailure ? (error.cause ?? error) : error;
  return cause instanceof TemporalFailure && !isCancellation(cause) ? cause : null;
}

/** The final refusal of an activity; null for a failure that may pass. */
export function refusalOf(error: unknown): ApplicationFailure | null {
  const cause = failureCause(error);
  return cause instanceof ApplicationFailure && cause.nonRetryable ? cause : null;
}
