/**
 * Subscriptions created and paid per second over HTTP, as a ratio to a bare Temporal floor in the same run.
 *
 * Not measured: a provider's real latency (the sandbox answers at once) and its webhooks, several machines, Temporal's own cluster.
 */
import { randomUUID } from 'node:crypto';
import { WithStartWorkflowOperation } from '@temporalio/client';
import type { System } from '../infra/platform/system';
import { subscriber } from './api';
import { cpuMeter, type ProcessIds } from './cpu';
import { floorWorker } from './floor/worker';
import { runMany, shown, type Figures } from './load';

const concurrency = 20;
/** The servers' and our own code is compiled by then, as it is in a process that has run for a while. */
const warmUps = 300;

export async function benchCreations(
  system: System,
  processes: ProcessIds,
  runs: number,
  say: (line: string) => void,
): Promise<void> {
  const floor = await measureFloor(system, processes, runs, say);
  const subscribe = await subscriber(system);
  await runMany(warmUps, concurrency, subscribe);
  const cpu = cpuMeter(processes);
  const creations = await runMany(runs, concurrency, subscribe);
  say(`  POST /subscriptions, first payment taken: ${shown(creations)}`);
  say(`    CPU each: ${cpu.each(runs)}`);
  say(`  ratio ${(creations.perSecond / floor.perSecond).toFixed(2)}`);
}

async function measureFloor(
  system: System,
  processes: ProcessIds,
  runs: number,
  say: (line: string) => void,
): Promise<Figures> {
  const address = system.environment['TEMPORAL_ADDRESS'] ?? '';
  const { client, worker, close } = await floorWorker(address, async () => undefined);
  const once = async (): Promise<void> => {
    const startWorkflowOperation = new WithStartWorkflowOperation('floor', {
      workflowId: `floor/${randomUUID()}`,
      taskQueue: 'floor',
      workflowIdConflictPolicy: 'USE_EXISTING',
    });
    await client.workflow.executeUpdateWithStart('awaitDone', { startWorkflowOperation });
  };
  const figures = await worker.runUntil(async () => {
    await runMany(warmUps, concurrency, once);
    const cpu = cpuMeter({ ...processes, here: process.pid });
    const measured = await runMany(runs, concurrency, once);
    say(`  floor (update-with-start, one empty local activity): ${shown(measured)}`);
    say(`    CPU each: ${cpu.each(runs)}`);
    return measured;
  });
  await close();
  return figures;
}
