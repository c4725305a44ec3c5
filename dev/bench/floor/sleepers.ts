/** The floor of whoever is woken: a signal to a sleeper that has left the cache, one task, three empty local activities. */
import { cpuMeter, type ProcessIds } from '../cpu';
import { runMany } from '../load';
import { untilTrue } from '../waiting';
import { floorWorker } from './worker';

const concurrency = 20;
/** The middle one counts. The first one meets code that is not compiled yet. */
export const rounds = 3;
/** Few, on both sides: whoever is woken has left the cache, as after a month. */
export const cachedWorkflows = 50;

/** @returns wakes per second, of each round */
export async function measureFloor(
  address: string,
  processes: ProcessIds,
  sleepers: number,
  report: (line: string) => void,
): Promise<number[]> {
  let calls = 0;
  const nothing = async () => void (calls += 1);
  const { client, worker, close } = await floorWorker(address, nothing, cachedWorkflows);
  const workflowIdOf = (index: number) => `sleeper/${index}`;

  async function wakeAll(): Promise<number> {
    const wanted = calls + 3 * sleepers;
    const cpu = cpuMeter({ ...processes, here: process.pid });
    const beganMs = performance.now();
    await runMany(sleepers, concurrency, (index) =>
      client.workflow.getHandle(workflowIdOf(index)).signal('wake'),
    );
    // More when a task was repeated.
    await untilTrue('all have been awake', () => Promise.resolve(calls >= wanted), 120_000, 20);
    const perSecond = sleepers / ((performance.now() - beganMs) / 1000);
    report(`  floor (signal to a sleeper, three empty local activities): ${perSecond.toFixed(1)}/s`);
    report(`    CPU each: ${cpu.each(sleepers)}`);
    return perSecond;
  }

  const rates = await worker.runUntil(async () => {
    await runMany(sleepers, concurrency, async (index) => {
      await client.workflow.start('sleeper', { workflowId: workflowIdOf(index), taskQueue: 'floor' });
    });
    await asleep(client, workflowIdOf(sleepers - 1));
    const measured: number[] = [];
    while (measured.length < rounds) measured.push(await wakeAll());
    return measured;
  });
  await close();
  return rates;
}

/** The first task of the one that was started last is done. */
async function asleep(client: Awaited<ReturnType<typeof floorWorker>>['client'], id: string): Promise<void> {
  const isAsleep = async (): Promise<boolean> => {
    const { historyLength } = await client.workflow.getHandle(id).describe();
    return historyLength >= 4;
  };
  await untilTrue('the sleepers are asleep', isAsleep, 120_000);
}

/** The median of an odd number of rates. */
export function middle(rates: readonly number[]): number {
  return rates.toSorted((a, b) => a - b)[Math.floor(rates.length / 2)] ?? 0;
}
