/**
 * The activities of `reconciliation`: repair stuck work, check what is earned and assigned, and start the processes
 * that are missing. None waits for another.
 */
import { activityInfo, cancellationSignal, heartbeat } from '@temporalio/activity';
import type { Logger } from 'pino';
import {
  advancingClockIds,
  areMoreLiving,
  livingSubscriptionIds,
} from '../billing/reconcile/living-processes';
import type { AttemptDependencies } from '../billing/payment/attempt';
import { recordSweep } from '../billing/reconcile/passes';
import { repair } from '../billing/reconcile/repair';
import { reconcilePredicate } from '../billing/reconcile/round';
import type { StuckItem } from '../billing/reconcile/predicate';
import { isOfLedger, predicateNames, type Predicate } from '../domain/stuck-work';
import type { Messenger } from '../temporal/messenger';
import { maxIdsPerSweep, type MissingWorkflows } from '../temporal/missing-workflows';
import { sendMessages } from '../temporal/send';

/** By predicate: how many were found. */
export type Found = Partial<Record<Predicate, number>>;

export interface Round {
  found: Found;
  /** What could not be asked or not be recorded; the next round asks again. */
  failed: Predicate[];
}

export interface ReconciliationActivities {
  /** One round over the predicates of work. */
  repairStuckWork(): Promise<Round>;
  /** One round over the predicates of the ledger. */
  checkLedger(): Promise<Round>;
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
  return {
    repairStuckWork: () =>
      goThrough(
        deps,
        predicateNames.filter((name) => !isOfLedger(name)),
      ),
    checkLedger: () => goThrough(deps, predicateNames.filter(isOfLedger)),
    startMissingProcesses: () => startMissing(deps),
  };
}

/** @throws the failure of the last predicate when all fail: then it is none of theirs */
async function goThrough(deps: ReconciliationDependencies, names: readonly Predicate[]): Promise<Round> {
  const { db, log, toleranceMs, firstLookupAfterMs } = deps;
  const round: Round = { found: {}, failed: [] };
  let failure: unknown;
  const options = {
    toleranceMs,
    firstLookupAfterMs,
    limit,
    onLook: beat,
    onFound: (item: StuckItem) => repairOne(deps, item),
  };
  for (const predicate of names) {
    beat();
    try {
      const count = await reconcilePredicate(db, predicate, options);
      if (count > 0) round.found[predicate] = count;
    } catch (error) {
      cancellationSignal().throwIfAborted();
      log.warn({ err: error, predicate }, 'stuck work not looked for');
      round.failed.push(predicate);
      failure = error;
    }
  }
  deps.onFound(round.found);
  if (round.failed.length === names.length) throw failure;
  return round;
}

/** One that is not repaired holds up no other. */
async function repairOne(deps: ReconciliationDependencies, item: StuckItem): Promise<void> {
  beat();
  try {
    const messages = await repair(deps, item);
    if (messages === null) return;
    await sendMessages(deps.messenger, messages);
    deps.log.info(item, 'reconciliation re-sent message');
  } catch (error) {
    deps.log.warn({ err: error, ...item }, 'stuck work not repaired');
  }
}

/** Where a sweep continues that was cut off. */
interface Swept {
  after: string | null;
  started: number;
}

async function startMissing({ db, missing, log }: ReconciliationDependencies): Promise<number> {
  const sweptBefore = activityInfo().heartbeatDetails as Swept | undefined;
  const clocks = await sweep((after) => advancingClockIds(db, after, maxIdsPerSweep), missing.startClocks, {
    onPage: () => beat(sweptBefore),
  });
  let subscriptions = 0;
  const running = sweptBefore === undefined ? await missing.countSubscriptions() : 0;
  if (sweptBefore !== undefined || (await areMoreLiving(db, running, beat))) {
    subscriptions = await sweep(
      (after) => livingSubscriptionIds(db, after, maxIdsPerSweep),
      missing.startSubscriptions,
      { from: sweptBefore, onPage: beat },
    );
  }
  const started = clocks + subscriptions;
  if (started > 0) log.warn({ started }, 'missing workflows started');
  await recordSweep(db, started);
  return started;
}

/** Reads page after page and starts what is missing of each. @returns how many processes were started */
async function sweep(
  page: (after: string | null) => Promise<string[]>,
  startMissingOf: (ids: readonly string[]) => Promise<number>,
  { from = { after: null, started: 0 }, onPage }: { from?: Swept; onPage(swept: Swept): void },
): Promise<number> {
  let { after, started } = from;
  for (;;) {
    const ids = await page(after);
    started += await startMissingOf(ids);
    after = ids.at(-1) ?? after;
    onPage({ after, started });
    if (ids.length < maxIdsPerSweep) return started;
  }
}

/** @throws when the activity is to end, as its worker stops */
function beat(details?: Swept): void {
  heartbeat(details);
  cancellationSignal().throwIfAborted();
}
