/**
 * The workflows that exist once for the whole fleet: started by every retry worker, running already is success.
 *
 * Looked after again and again, so that an emptied namespace gets them back.
 */
import type { Client } from '@temporalio/client';
import type { Logger } from 'pino';
import { renewalSchedulerStart } from '../contracts/workflows';

const lookAfterMs = 60_000;

export interface FleetJobs {
  stop(): void;
}

export function keepFleetJobs(client: Client, shards: number, log: Logger): FleetJobs {
  const start = async (): Promise<void> => {
    for (let shard = 0; shard < shards; shard += 1) {
      const { workflowType, ...options } = renewalSchedulerStart(shard);
      await client.workflow.start(workflowType, {
        ...options,
        workflowIdReusePolicy: 'ALLOW_DUPLICATE',
        workflowIdConflictPolicy: 'USE_EXISTING',
        staticSummary: `Renewal scheduler, shard ${shard}`,
      });
    }
  };
  const look = (): void => {
    start().catch((error: unknown) =>
      log.warn({ err: error }, 'the fleet’s workflows could not be looked after'),
    );
  };
  look();
  const timer = setInterval(look, lookAfterMs);
  return { stop: () => clearInterval(timer) };
}
