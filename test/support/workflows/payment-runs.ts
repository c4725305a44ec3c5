/** Runs of `payment/{id}` on a server that skips time. */
import { WithStartWorkflowOperation } from '@temporalio/client';
import { paymentStart } from '../../../contracts/workflows/workflows';
import type { SkippedTime } from './skipped-time';

const startOf = (paymentId: string) => paymentStart(paymentId, { incompleteHours: 23 });

/** Starts the process of a payment. */
export function startPayment({ env }: SkippedTime, paymentId: string) {
  const { workflowType, ...options } = startOf(paymentId);
  return env.client.workflow.start(workflowType, options);
}

/** The start of an update: of the run that is there, or of a new one. */
export function startOrRunning(paymentId: string) {
  const { workflowType, ...options } = startOf(paymentId);
  return new WithStartWorkflowOperation(workflowType, {
    ...options,
    workflowIdConflictPolicy: 'USE_EXISTING',
  });
}
