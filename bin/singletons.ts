/**
 * What exists once in a deployment: the schedulers' workflows and the schedule of the reconciliation.
 *
 * Every worker of their service ensures them as often as the reconciliation runs, so that an emptied namespace gets
 * them back.
 */
import type { Logger } from 'pino';
import {
  reconciliationStart,
  renewalSchedulerStart,
  type taskQueues,
} from '../contracts/workflows/workflows';
import type { Config } from '../config';
import type { WorkflowClient } from '../temporal/client';

export interface Singletons {
  stop(): void;
}

/** @param services those that this process serves */
export function ensureSingletons(
  client: WorkflowClient,
  config: Config,
  services: readonly (keyof typeof taskQueues)[],
  log: Logger,
): Singletons {
  const everyMs = config.RECONCILE_EVERY_SECONDS * 1_000;
  const ensureAll = async (): Promise<void> => {
    if (services.includes('retry')) await ensureSchedulers(client, config.RENEWAL_SHARDS);
    if (services.includes('payment')) {
      await client.ensureSchedule(reconciliationStart, everyMs);
    }
  };
  const check = (): void => {
    ensureAll().catch((error: unknown) => log.warn({ err: error }, 'singletons not ensured'));
  };
  check();
  const timer = setInterval(check, everyMs);
  return { stop: () => clearInterval(timer) };
}

async function ensureSchedulers(client: WorkflowClient, shards: number): Promise<void> {
  for (let shard = 0; shard < shards; shard += 1) await client.start(renewalSchedulerStart(shard));
}
