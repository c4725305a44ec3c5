/** The process of a test clock, reached over Temporal. */
import type { Client } from '@temporalio/client';
import type { Logger } from 'pino';
import { messages, testClockStart } from '../contracts/workflows/workflows';
import { updateWorkflow } from './ask-workflow';
import type { TestClockProcess } from './test-clock-process';

export function temporalTestClockProcess(client: Client, log: Logger): TestClockProcess {
  return {
    async advance(clockId, command, requestId) {
      await updateWorkflow(client, log, {
        start: testClockStart(clockId),
        summary: `Test clock ${clockId}`,
        update: { name: messages.advance, id: `advance/${requestId}`, args: [command] },
        about: {},
      });
    },
  };
}
