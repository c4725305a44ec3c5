/** The activities of `reconciliation`: find what did not go on by itself, and send the ordinary messages again. */
import { heartbeat } from '@temporalio/activity';
import type { Client } from '@temporalio/client';
import type { Logger } from 'pino';
import type { Predicate } from '../domain/stuck-work';
import { findStuckWork } from '../billing/reconcile/stuck-work';
import {
  processesAreMissing,
  startMissingClocks,
  startMissingSubscriptions,
  type Sweep,
} from '../temporal/missing-workflows';
import { repair, type RepairDependencies } from '../billing/reconcile/repair';

/** By predicate: how many were found. */
export type Found = Partial<Record<Predicate, number>>;

export interface ReconciliationActivities {
  /** One round over all predicates. */
  repairStuckWork(): Promise<Found>;
  /** @returns how many processes were started */
  startMissingProcesses(): Promise<number>;
}

/** What is merely in hand is not unfinished. */
const toleranceMs = 60_000;
const limit = 500;

export function createReconciliationActivities(
  deps: RepairDependencies & { client: Client; log: Logger; onFound(found: Found): void },
): ReconciliationActivities {
  const { db, client, log } = deps;
  return {
    async repairStuckWork() {
      const items = await findStuckWork(db, { toleranceMs, testClockId: null, limit });
      const found: Found = {};
      for (const item of items) {
        found[item.predicate] = (found[item.predicate] ?? 0) + 1;
        const repaired = await repair(deps, item).catch((error: unknown) => {
          log.warn({ err: error, ...item }, 'stuck work not repaired');
          return false;
        });
        if (repaired) log.info(item, 'reconciliation re-sent message');
        heartbeat();
      }
      deps.onFound(found);
      return found;
    },
    async startMissingProcesses() {
      let started = await sweepAll((after) => startMissingClocks(db, client, after));
      if (await processesAreMissing(db, client)) {
        started += await sweepAll((after) => startMissingSubscriptions(db, client, after));
      }
      if (started > 0) log.warn({ started }, 'missing workflows started');
      return started;
    },
  };
}

/** Batch after batch. @returns how many processes were started */
async function sweepAll(startMissing: (after: string | null) => Promise<Sweep>): Promise<number> {
  let started = 0;
  for (let after: string | null = null; ;) {
    const sweep = await startMissing(after);
    started += sweep.started;
    heartbeat();
    if (sweep.next === null) return started;
    after = sweep.next;
  }
}
