/** The process of a bulk retry, as the API's routes use it. */
import type { Logger } from 'pino';
import type { BulkRetryCommand, DecideBulkRetry } from '../contracts/workflows/commands';
import { bulkRetryStart, messages } from '../contracts/workflows/workflows';
import type { WorkflowClient } from './client';
import { requestStart, requestUpdate } from './requests';

export type BulkRetryProcess = ReturnType<typeof bulkRetryProcess>;

export function bulkRetryProcess(client: WorkflowClient, log: Logger) {
  return {
    /** Starts or resumes a run whose row is there. @throws ProblemError `unavailable` */
    start: (bulkRetryId: string): Promise<void> => requestStart(client, log, bulkRetryStart(bulkRetryId)),
    /**
     * Executes a decision; when it returns, the row says so.
     * @throws ProblemError `unavailable`, `bulk_retry_state`
     */
    command: (
      bulkRetryId: string,
      name: BulkRetryCommand,
      decision: DecideBulkRetry,
      requestId: string,
    ): Promise<void> =>
      requestUpdate(client, log, bulkRetryStart(bulkRetryId), {
        name: messages[name],
        id: `${name}/${requestId}`,
        args: [decision],
      }),
  };
}
