/** The reconciliation's schedule, asked for a round out of turn. */
import { ScheduleOverlapPolicy, type Client } from '@temporalio/client';
import { reconciliationStart } from '../contracts/workflows/workflows';
import { ProblemError } from '../contracts/problem-error';

const answerWithinMs = 5_000;

/** @returns a function that throws ProblemError `unavailable` when Temporal does not answer or has no such schedule */
export function reconcileOver(client: Client): () => Promise<void> {
  return async () => {
    const schedule = client.schedule.getHandle(reconciliationStart.workflowId);
    try {
      await client.withDeadline(Date.now() + answerWithinMs, () =>
        schedule.trigger(ScheduleOverlapPolicy.SKIP),
      );
    } catch (error) {
      const detail = 'The schedule of the reconciliation does not answer; a payment worker makes it.';
      throw new ProblemError('unavailable', detail, {}, { cause: error });
    }
  };
}
