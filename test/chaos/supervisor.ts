/** Starts again what has ended, as an operator's supervisor does, unless a fault wants it dead. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Chaos } from './context';

const lookMs = 500;

export interface Supervisor {
  stop(): Promise<void>;
}

export function supervise(chaos: Chaos): Supervisor {
  const { its, figures, heldDown } = chaos;
  const stopping = new AbortController();
  const watch = async (name: string): Promise<void> => {
    const process = its.system.product(name);
    while (!stopping.signal.aborted) {
      if (process.pid === undefined && !heldDown.has(name)) {
        figures.add(`starts of ${name.split('#')[0]} by the supervisor`);
        // What ends again while a server is away is started again at the next look.
        await process.start().catch(() => undefined);
      }
      await sleep(lookMs, undefined, { signal: stopping.signal }).catch(() => undefined);
    }
  };
  const watches = its.processes.map(watch);
  return {
    async stop() {
      stopping.abort();
      await Promise.all(watches);
    },
  };
}
