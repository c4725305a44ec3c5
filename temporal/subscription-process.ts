/** What the routes need of the process of a subscription; implemented over Temporal, and by fakes in unit tests. */
import type {
  CreationResult,
  SubscriptionCommands,
  SubscriptionCreation,
} from '../contracts/workflows/commands';

export interface SubscriptionProcess {
  /**
   * Starts the process, or finds the one that runs, and waits until the creation is concluded (10 s and a margin).
   * The caller reads the row afterwards.
   * @throws ProblemError `unavailable` when Temporal or a worker does not answer in time; nothing is known then
   */
  create(creation: SubscriptionCreation, requestId: string): Promise<CreationResult>;
  /**
   * Carries out a command; when it returns, the row says so.
   * @throws ProblemError `unavailable`, `too_many_requests`, or what the process refuses
   */
  command<Name extends keyof SubscriptionCommands>(
    subscriptionId: string,
    name: Name,
    command: SubscriptionCommands[Name],
    requestId: string,
  ): Promise<void>;
  /**
   * Has the process look at its row, if it runs: one whose worker was killed right after its commit may not know that
   * it has ended. Nothing depends on it; what goes wrong is logged.
   */
  wake(subscriptionId: string): Promise<void>;
}
