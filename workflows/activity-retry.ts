/** What a workflow makes of an activity that failed: whose fault it is, and waiting until it can be done after all. */
import {
  ActivityFailure,
  ApplicationFailure,
  isCancellation,
  sleep,
  TemporalFailure,
} from '@temporalio/workflow';

/** Does a step until it is done; in between it waits, visibly, on a durable timer. @throws only what it refuses for good */
export async function retryUntilDone<T>(step: () => Promise<T>): Promise<T> {
  for (let waitMs = 1_000; ; waitMs = Math.min(waitMs * 2, 60_000)) {
    try {
      return await step();
    } catch (error) {
      const refusal = refusalOf(error);
      if (refusal !== null) throw refusal;
      if (failureCause(error) === null) throw error;
      await sleep(waitMs, { summary: 'the database is away; trying again' });
    }
  }
}

/** What went wrong in an activity (a local one's failure may come bare); null for faults of this code. */
export function failureCause(error: unknown): TemporalFailure | null {
  const cause = error instanceof ActivityFailure ? (error.cause ?? error) : error;
  return cause instanceof TemporalFailure && !isCancellation(cause) ? cause : null;
}

/** What an activity refused for good; null for what may pass. */
export function refusalOf(error: unknown): ApplicationFailure | null {
  const cause = failureCause(error);
  return cause instanceof ApplicationFailure && cause.nonRetryable ? cause : null;
}
