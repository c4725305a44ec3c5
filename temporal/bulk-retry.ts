/** The process of a bulk retry, reached over Temporal. */
import type { Client } from '@temporalio/client';
import type { Logger } from 'pino';
import { bulkRetryStart, messages } from '../contracts/workflows/workflows';
import { updateWorkflow, startWorkflow } from './ask-workflow';
import type { BulkRetryProcess } from './bulk-retry-process';

export function temporalBulkRetryProcess(client: Client, log: Logger): BulkRetryProcess {
  const addressee = (bulkRetryId: string) => ({
    start: bulkRetryStart(bulkRetryId),
    summary: `Bulk retry ${bulkRetryId}`,
    about: {},
  });
  return {
    start: (bulkRetryId) => startWorkflow(client, log, addressee(bulkRetryId)),
    async command(bulkRetryId, name, decision, requestId) {
      await updateWorkflow(client, log, {
        ...addressee(bulkRetryId),
        update: { name: messages[name], id: `${name}/${requestId}`, args: [decision] },
      });
    },
  };
}
