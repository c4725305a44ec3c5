/** The process of a test clock, as the API's routes use it. */
import type { Logger } from 'pino';
import type { AdvanceClock } from '../contracts/workflows/commands';
import { messages, testClockStart } from '../contracts/workflows/workflows';
import type { WorkflowClient } from './client';
import { requestUpdate } from './requests';

export type TestClockProcess = ReturnType<typeof testClockProcess>;

export function testClockProcess(client: WorkflowClient, log: Logger) {
  return {
    /**
     * Has the clock advance; when it returns, the row says so and the work continues.
     * @throws ProblemError `unavailable`, or what the process refuses
     */
    advance: (clockId: string, command: AdvanceClock, requestId: string): Promise<void> =>
      requestUpdate(client, log, testClockStart(clockId), {
        name: messages.advance,
        id: `advance/${requestId}`,
        args: [command],
      }),
  };
}
