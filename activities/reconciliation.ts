/**
 * The activities of `reconciliation`: repair stuck work, check what is earned and assigned, and start the processes
 * that are missing. None waits for another.
 */
import { activityInfo, cancellationSignal, heartbeat, sleep } from '@temporalio/activity';
import type { Logger } from 'pino';
import {
  advancingClockIds,
  areMoreLiving,
  livingSubscriptionIds,
  waitingSubscriptionIds,
} from '../billing/reconcile/living-processes';
import type { AttemptDependencies } from '../billing/payment/attempt';
import { answerOvertakenTasks } from '../billing/renewal/renewal-tasks';
import { endLostRuns } from '../billing/renewal/run-store';
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
  /** Missing processes of subscriptions that wait for nothing. */
  idleStartsPerSecond: number;
  onFound(found: Found): void;
}

const limit = 500;

export function createReconciliationActivities(deps: ReconciliationDependencies): ReconciliationActivities {
  return {
    async repairStuckWork() {
      await endLostRuns(deps.db);
      await answerOvertakenTasks(deps.db);
      return goThrough(
        deps,
        predicateNames.filter((name) => !isOfLedger(name)),
      );
    },
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

/** Where a sweep over all living subscriptions continues that was cut off. */
interface Swept {
  after: string | null;
  started: number;
}

/** Longer sweeps end, and the next round begins another one, which passes over what runs by then. */
const longestSweepMs = 5 * 3_600_000;

/**
 * First what has something to do, as fast as it goes; then what waits for nothing, metered, so that after a lost
 * namespace millions of starts do not hold up whoever calls.
 */
async function startMissing(deps: ReconciliationDependencies): Promise<number> {
  const { db, missing, log } = deps;
  const sweptBefore = activityInfo().heartbeatDetails as Swept | undefined;
  const onPage = () => beat(sweptBefore);
  const clocks = await sweep((after) => advancingClockIds(db, after, maxIdsPerSweep), missing.startClocks, {
    onPage,
  });
  const subscriptions = await startMissingSubscriptions(deps, sweptBefore);
  const started = clocks + subscriptions;
  if (started > 0) log.warn({ started }, 'missing workflows started');
  await recordSweep(db, started);
  return started;
}

async function startMissingSubscriptions(
  { db, missing, idleStartsPerSecond }: ReconciliationDependencies,
  sweptBefore: Swept | undefined,
): Promise<number> {
  let from = sweptBefore;
  if (from === undefined) {
    const running = await missing.countSubscriptions();
    if (!(await areMoreLiving(db, running, beat))) return 0;
    const waiting = (after: string | null) => waitingSubscriptionIds(db, after, maxIdsPerSweep);
    const started = await sweep(waiting, missing.startSubscriptions, { onPage: () => beat() });
    from = { after: null, started };
  }
  const living = (after: string | null) => livingSubscriptionIds(db, after, maxIdsPerSweep);
  return sweep(living, missing.startSubscriptions, { from, perSecond: idleStartsPerSecond, onPage: beat });
}

interface SweepOptions {
  from?: Swept;
  /** Starts; left out: as many as there are. */
  perSecond?: number;
  onPage(swept: Swept): void;
}

/** Reads page after page and starts what is missing of each. @returns how many processes were started */
async function sweep(
  page: (after: string | null) => Promise<string[]>,
  startMissingOf: (ids: readonly string[]) => Promise<number>,
  { from = { after: null, started: 0 }, perSecond = Infinity, onPage }: SweepOptions,
): Promise<number> {
  const beganMs = performance.now();
  let { after, started } = from;
  for (;;) {
    const pageBeganMs = performance.now();
    const ids = await page(after);
    const startedNow = await startMissingOf(ids);
    started += startedNow;
    after = ids.at(-1) ?? after;
    onPage({ after, started });
    const nowMs = performance.now();
    if (ids.length < maxIdsPerSweep || nowMs - beganMs > longestSweepMs) return started;
    const restMs = (startedNow / perSecond) * 1_000 - (nowMs - pageBeganMs);
    if (restMs > 0) await sleep(restMs);
  }
}

/** @throws when the activity is to end, as its worker stops */
function beat(details?: Swept): void {
  heartbeat(details);
  cancellationSignal().throwIfAborted();
}
