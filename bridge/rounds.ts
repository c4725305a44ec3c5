/** Work that a process does at once and then again and again, until it is closed. */
import { setTimeout as sleep } from 'node:timers/promises';

export interface Rounds {
  /** Finishes the round in progress. */
  close(): Promise<void>;
}

/**
 * Runs a round, and the next one `everyMs` after its end; the next one makes up for one that failed.
 * @param round ends early once the signal is aborted
 */
export function startRounds(
  everyMs: number,
  round: (signal: AbortSignal) => Promise<void>,
  onFailure: (error: unknown) => void,
): Rounds {
  const closing = new AbortController();
  const { signal } = closing;
  const running = (async () => {
    while (!signal.aborted) {
      await round(signal).catch(onFailure);
      await sleep(everyMs, undefined, { signal }).catch(() => undefined);
    }
  })();
  return {
    close: () => {
      closing.abort();
      return running;
    },
  };
}
