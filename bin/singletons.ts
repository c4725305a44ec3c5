/**
 * What exists once for the whole fleet: the schedulers' workflows and the schedule of the reconciliation.
 *
 * Every worker of their service looks after them, again and again, so that an emptied namespace gets them back.
 * Running already is success.
 */
import { ScheduleAlreadyRunning, ScheduleOverlapPolicy, type Client } from '@temporalio/client';
import type { Logger } from 'pino';
import {
  reconciliationStart,
  renewalSchedulerStart,
  type taskQueues,
} from '../contracts/workflows/workflows';
import type { Config } from '../config';

const checkEveryMs = 60_000;

export interface Singletons {
  stop(): void;
}

/** @param services those that this process serves */
export function keepSingletons(
  client: Client,
  config: Config,
  services: readonly (keyof typeof taskQueues)[],
  log: Logger,
): Singletons {
  const ensureAll = async (): Promise<void> => {
    if (services.includes('retry')) await startSchedulers(client, config.RENEWAL_SHARDS);
    if (services.includes('payment')) await scheduleReconciliation(client, config.RECONCILE_EVERY_SECONDS);
  };
  const check = (): void => {
    ensureAll().catch((error: unknown) => log.warn({ err: error }, 'singletons not ensured'));
  };
  check();
  const timer = setInterval(check, checkEveryMs);
  return { stop: () => clearInterval(timer) };
}

async function startSchedulers(client: Client, shards: number): Promise<void> {
  for (let shard = 0; shard < shards; shard += 1) {
    const { workflowType, ...options } = renewalSchedulerStart(shard);
    await client.workflow.start(workflowType, {
      ...options,
      workflowIdReusePolicy: 'ALLOW_DUPLICATE',
      workflowIdConflictPolicy: 'USE_EXISTING',
      staticSummary: `Renewal scheduler, shard ${shard}`,
    });
  }
}

async function scheduleReconciliation(client: Client, everySeconds: number): Promise<void> {
  const { workflowType, ...options } = reconciliationStart;
  try {
    await client.schedule.create({
      scheduleId: options.workflowId,
      spec: { intervals: [{ every: everySeconds * 1_000 }] },
      // What was missed while Temporal was away is found by the next round.
      policies: { overlap: ScheduleOverlapPolicy.SKIP, catchupWindow: 60_000 },
      action: { type: 'startWorkflow', workflowType, ...options },
    });
  } catch (error) {
    if (!(error instanceof ScheduleAlreadyRunning)) throw error;
  }
}
