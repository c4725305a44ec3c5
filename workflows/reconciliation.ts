/**
 * One round of convergence, started by a schedule: what did not go on by itself is sent on its way again.
 *
 * Events are the prompt path; this is the slow one that makes their loss harmless.
 */
import { proxyActivities, setCurrentDetails } from '@temporalio/workflow';
import type { ReconciliationActivities } from '../activities/reconciliation';

const { repairStuckWork, startMissingProcesses } = proxyActivities<ReconciliationActivities>({
  startToCloseTimeout: '10 min',
  heartbeatTimeout: '1 min',
  retry: { initialInterval: '2 s', maximumInterval: '30 s', maximumAttempts: 5 },
});

export async function reconciliation(): Promise<void> {
  const started = await startMissingProcesses();
  const found = await repairStuckWork();
  const lines = Object.entries(found).map(([predicate, count]) => `${predicate}: ${count}`);
  setCurrentDetails([`processes started again: ${started}`, ...lines].join('\n\n'));
}
