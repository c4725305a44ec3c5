/** What the routes need of the process of a subscription; implemented over Temporal, and by fakes in unit tests. */
import type { CancelCommand, CreationResult, SubscriptionCreation } from '../contracts/commands';

export interface SubscriptionProcess {
  /**
   * Starts the process, or finds the one that runs, and waits until the creation is concluded (10 s and a margin).
   * The caller reads the row afterwards.
   * @throws ProblemError `unavailable` when Temporal or a worker does not answer in time; nothing is known then
   */
  create(creation: SubscriptionCreation, requestId: string): Promise<CreationResult>;
  /**
   * Asks the process to cancel; when it returns, the row says so.
   * @throws ProblemError `unavailable`, `subscription_final`
   */
  cancel(subscriptionId: string, command: CancelCommand, requestId: string): Promise<void>;
}
