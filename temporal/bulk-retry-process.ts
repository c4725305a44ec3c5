/** What the routes need of the process of a bulk retry; implemented over Temporal, and by fakes in tests. */
import type { BulkRetryCommand, DecideBulkRetry } from '../contracts/workflows/commands';

export interface BulkRetryProcess {
  /** Has a run go on whose row is there. @throws ProblemError `unavailable` */
  start(bulkRetryId: string): Promise<void>;
  /**
   * Carries out a decision; when it returns, the row says so.
   * @throws ProblemError `unavailable`, `bulk_retry_state`
   */
  command(
    bulkRetryId: string,
    name: BulkRetryCommand,
    decision: DecideBulkRetry,
    requestId: string,
  ): Promise<void>;
}
