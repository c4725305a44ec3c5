/** What the routes need of the process of a test clock; implemented over Temporal, and by fakes in tests. */
import type { AdvanceClock } from '../contracts/workflows/commands';

export interface TestClockProcess {
  /**
   * Has the clock advance; when it returns, the row says so and the work goes on.
   * @throws ProblemError `unavailable`, or what the process refuses
   */
  advance(clockId: string, command: AdvanceClock, requestId: string): Promise<void>;
}
