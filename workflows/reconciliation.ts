/**
 * One round of the reconciliation, started by a schedule: repairs stuck work and starts missing processes.
 *
 * Events are the prompt path; this is the slow one that makes their loss harmless. Repairs come first: they need the
 * rows only, and a visibility store that does not answer must not hold them up.
 */
import { proxyActivities, setCurrentDetails } from '@temporalio/workflow';
import type { ReconciliationActivities } from '../activities/reconciliation';

const { repairStuckWork, startMissingProcesses } = proxyActivities<ReconciliationActivities>({
  startToCloseTimeout: '10 min',
  heartbeatTimeout: '1 min',
  retry: { initialInterval: '2 s', maximumInterval: '30 s', maximumAttempts: 5 },
});

export async function reconciliation(): Promise<void> {
  const found = await repairStuckWork();
  const started = await startMissingProcesses();
  const lines = Object.entries(found).map(([predicate, count]) => `${predicate}: ${count}`);
  setCurrentDetails([`missing processes started: ${started}`, ...lines].join('\n\n'));
}
