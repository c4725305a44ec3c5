/** The activities of `reconciliation`: repair stuck work, and start the processes that are missing. */
import { heartbeat } from '@temporalio/activity';
import type { Logger } from 'pino';
import {
  advancingClockIds,
  countLivingSubscriptions,
  livingSubscriptionIds,
} from '../billing/reconcile/living-processes';
import type { AttemptDependencies } from '../billing/payment/attempt';
import { recordFound } from '../billing/reconcile/lasting-work';
import { repair } from '../billing/reconcile/repair';
import { findStuckWork } from '../billing/reconcile/stuck-work';
import type { Predicate } from '../domain/stuck-work';
import type { Messenger } from '../temporal/messenger';
import { maxIdsPerSweep, type MissingWorkflows } from '../temporal/missing-workflows';
import { sendMessages } from '../temporal/send';

/** By predicate: how many were found. */
export type Found = Partial<Record<Predicate, number>>;

export interface ReconciliationActivities {
  /** One round over all predicates. */
  repairStuckWork(): Promise<Found>;
  /** @returns how many processes were started */
  startMissingProcesses(): Promise<number>;
}

export interface ReconciliationDependencies extends AttemptDependencies {
  messenger: Messenger;
  missing: MissingWorkflows;
  log: Logger;
  /** How long work may be in progress before it counts as stuck. */
  toleranceMs: number;
  /** As the follow-ups of payments have it. */
  firstLookupAfterMs: number;
  onFound(found: Found): void;
}

const limit = 500;

export function createReconciliationActivities(deps: ReconciliationDependencies): ReconciliationActivities {
  const { db, messenger, missing, log, toleranceMs, firstLookupAfterMs } = deps;
  return {
    async repairStuckWork() {
      const items = await findStuckWork(db, { toleranceMs, firstLookupAfterMs, testClockId: null, limit });
      const found: Found = {};
      for (const item of items) {
        found[item.predicate] = (found[item.predicate] ?? 0) + 1;
        try {
          const messages = await repair(deps, item);
          if (messages !== null) {
            await sendMessages(messenger, messages);
            log.info(item, 'reconciliation re-sent message');
          }
        } catch (error) {
          log.warn({ err: error, ...item }, 'stuck work not repaired');
        }
        heartbeat();
      }
      // What is missing is started all the same.
      await recordFound(db, items, limit).catch((err: unknown) =>
        log.warn({ err }, 'stuck work not recorded'),
      );
      deps.onFound(found);
      return found;
    },
    async startMissingProcesses() {
      let started = await sweep((after) => advancingClockIds(db, after, maxIdsPerSweep), missing.startClocks);
      const living = await countLivingSubscriptions(db);
      if ((await missing.countSubscriptions()) < living) {
        const page = (after: string | null) => livingSubscriptionIds(db, after, maxIdsPerSweep);
        started += await sweep(page, missing.startSubscriptions);
      }
      if (started > 0) log.warn({ started }, 'missing workflows started');
      return started;
    },
  };
}

/** Reads page after page and starts what is missing of each. @returns how many processes were started */
async function sweep(
  page: (after: string | null) => Promise<string[]>,
  startMissing: (ids: readonly string[]) => Promise<number>,
): Promise<number> {
  let started = 0;
  for (let after: string | null = null; ;) {
    const ids: string[] = await page(after);
    started += await startMissing(ids);
    heartbeat();
    after = ids.at(-1) ?? null;
    if (ids.length < maxIdsPerSweep) return started;
  }
}
