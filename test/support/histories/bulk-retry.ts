/** A bulk retry of three payments that is paused and resumed on the way. */
import type { Client } from '@temporalio/client';
import { bulkRetryStart } from '../../../contracts/workflows/workflows';
import { beginRun } from '../../../billing/retry/bulk-retries';
import { inTransaction } from '../../../prisma/client';
import { writeFailed } from '../failed-payment';
import { completed, type TestBilling } from '../billing';
import { actor } from '../creation';
import { someTrace } from '../trace';

interface Recorder {
  given: TestBilling;
  client: Client;
  save(workflowId: string, name: string): Promise<void>;
}

export async function recordBulkRetry({ given, client, save }: Recorder): Promise<void> {
  const { db, provider } = given;
  provider.charges = [completed];
  for (const n of [1, 2, 3]) await writeFailed(db, { id: `pay_bulk_${n}` });
  const filter = { failed_to: '2025-04-01T00:00:00Z' };
  const wanted = {
    id: 'brt_recorded',
    filter,
    reason: 'an outage',
    actor,
    trace: someTrace,
    rate_per_second: 1,
  };
  await inTransaction(db, (tx) => beginRun(tx, wanted));
  const { workflowType, ...options } = bulkRetryStart(wanted.id);
  const handle = await client.workflow.start(workflowType, options);
  await handle.executeUpdate('pause', { args: [{ actor }] });
  await handle.executeUpdate('resume', { args: [{ actor }] });
  await handle.result();
  await save(handle.workflowId, 'bulk-retry');
}
