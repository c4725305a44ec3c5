/** The reconciliation's schedule, as the API's routes use it. */
import { ProblemError } from '../contracts/problem-error';
import { reconciliationStart } from '../contracts/workflows/workflows';
import type { WorkflowClient } from './client';

const answerWithinMs = 5_000;

/** Starts a round out of turn. @throws ProblemError `unavailable` when Temporal does not answer, or has no schedule */
export async function reconcileNow(client: WorkflowClient): Promise<void> {
  try {
    await client.triggerSchedule(reconciliationStart.workflowId, { withinMs: answerWithinMs });
  } catch (error) {
    const detail = 'The schedule of the reconciliation does not answer; a payment worker makes it.';
    throw new ProblemError('unavailable', detail, {}, { cause: error });
  }
}
