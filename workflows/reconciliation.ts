/**
 * One round of the reconciliation, started by a schedule: repairs stuck work, checks the ledger and starts missing
 * processes.
 *
 * Events are the prompt path; this is the slow one that makes their loss harmless. No part waits for another: repairs
 * need the rows only, and a visibility store that does not answer, or a sweep over millions of processes, must not hold
 * them up. While a sweep goes on, repairs are repeated; the schedule starts no other round meanwhile.
 */
import { condition, patched, proxyActivities, setCurrentDetails } from '@temporalio/workflow';
import type { ReconciliationActivities, Round } from '../activities/reconciliation';

const { repairStuckWork, checkLedger } = proxyActivities<ReconciliationActivities>({
  startToCloseTimeout: '10 min',
  heartbeatTimeout: '1 min',
  retry: { initialInterval: '2 s', maximumInterval: '30 s', maximumAttempts: 5 },
});
/** Goes on where it was after each try: how often is no matter. */
const { startMissingProcesses } = proxyActivities<ReconciliationActivities>({
  startToCloseTimeout: '6 h',
  scheduleToCloseTimeout: '6 h',
  heartbeatTimeout: '1 min',
  retry: { initialInterval: '2 s', maximumInterval: '30 s' },
});

/** A pause between two repairs while a sweep goes on. */
const pauseMs = 60_000;

export async function reconciliation(): Promise<void> {
  if (!patched('independent-parts')) {
    await repairStuckWork();
    await startMissingProcesses();
    return;
  }
  const sweep: { outcome: Outcome<number> | null } = { outcome: null };
  const swept = outcomeOf(startMissingProcesses()).then((outcome) => (sweep.outcome = outcome));
  let rounds: Outcome<Round>[];
  do {
    rounds = await Promise.all([outcomeOf(repairStuckWork()), outcomeOf(checkLedger())]);
    show(rounds, sweep.outcome);
  } while (sweep.outcome === null && !(await condition(() => sweep.outcome !== null, pauseMs)));
  const outcomes = [...rounds, await swept];
  show(rounds, sweep.outcome);
  for (const outcome of outcomes) if (!outcome.isDone) throw outcome.error;
}

type Outcome<T> = { isDone: true; value: T } | { isDone: false; error: unknown };

async function outcomeOf<T>(part: Promise<T>): Promise<Outcome<T>> {
  try {
    return { isDone: true, value: await part };
  } catch (error) {
    return { isDone: false, error };
  }
}

function show(rounds: readonly Outcome<Round>[], swept: Outcome<number> | null): void {
  const lines = rounds.flatMap((round) => {
    if (!round.isDone) return ['a part has failed'];
    const { found, failed } = round.value;
    return [
      ...Object.entries(found).map(([predicate, count]) => `${predicate}: ${count}`),
      ...failed.map((predicate) => `${predicate}: not asked`),
    ];
  });
  const sweep = swept === null ? 'in progress' : swept.isDone ? String(swept.value) : 'failed';
  setCurrentDetails([`missing processes started: ${sweep}`, ...lines].join('\n\n'));
}
