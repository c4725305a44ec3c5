/**
 * Subscriptions created and paid per second over HTTP, as a ratio to a bare Temporal floor in the same run.
 *
 * Not measured: a provider's real latency (the sandbox answers at once) and its webhooks, several machines, Temporal's own cluster.
 */
import { randomUUID } from 'node:crypto';
import { WithStartWorkflowOperation, type Client } from '@temporalio/client';
import type { System } from '../platform/system';
import { subscriber } from './api';
import { cpuMeter, type ProcessIds } from './cpu';
import { middle, rounds } from './floor/sleepers';
import { floorWorker } from './floor/worker';
import { runMany, shown } from './load';

const concurrency = 20;
/**
 * The servers' and our own code is compiled by then, as it is in a process that has run for a while: after 300, a
 * creation of the third round was still a tenth cheaper than one of the first.
 */
const warmUps = 1_500;

export async function benchCreations(
  system: System,
  processes: ProcessIds,
  runs: number,
  report: (line: string) => void,
): Promise<void> {
  const address = system.environment['TEMPORAL_ADDRESS'] ?? '';
  const { client, worker, close } = await floorWorker(address, async () => undefined);
  const subscribe = await subscriber(system);
  const floor: number[] = [];
  const creations: number[] = [];
  const measure = async (what: string, once: () => Promise<void>): Promise<number> => {
    const cpu = cpuMeter({ ...processes, here: process.pid });
    const figures = await runMany(runs, concurrency, once);
    report(`  ${what}: ${shown(figures)}`);
    report(`    CPU each: ${cpu.each(runs)}`);
    return figures.perSecond;
  };
  await worker.runUntil(async () => {
    const start = (): Promise<void> => startFloor(client);
    await runMany(warmUps, concurrency, start);
    await runMany(warmUps, concurrency, subscribe);
    // By turns: what the machine does besides meets both.
    while (creations.length < rounds) {
      floor.push(await measure('floor (update-with-start, one empty local activity)', start));
      creations.push(await measure('POST /subscriptions, first payment taken', subscribe));
    }
  });
  await close();
  report(`  ratio ${(middle(creations) / middle(floor)).toFixed(2)} (medians of ${rounds} rounds)`);
}

async function startFloor(client: Client): Promise<void> {
  const startWorkflowOperation = new WithStartWorkflowOperation('floor', {
    workflowId: `floor/${randomUUID()}`,
    taskQueue: 'floor',
    workflowIdConflictPolicy: 'USE_EXISTING',
  });
  await client.workflow.executeUpdateWithStart('awaitDone', { startWorkflowOperation });
}
