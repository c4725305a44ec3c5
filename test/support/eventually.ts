/** Waiting while servers come and go: a look that fails counts as "not yet", and is told when the time is over. */
import { setTimeout as sleep } from 'node:timers/promises';

/**
 * Repeats `look` until it gives something.
 * @throws Error that names what did not come in time (30 s by default), with the last look's own error as its cause
 */
export async function eventually<T>(
  what: string,
  look: () => Promise<T | undefined | false>,
  { timeoutMs = 30_000, everyMs = 50 } = {},
): Promise<T> {
  const deadlineMs = performance.now() + timeoutMs;
  for (;;) {
    let fault: unknown;
    try {
      const found = await look();
      if (found !== undefined && found !== false) return found;
    } catch (error) {
      fault = error;
    }
    if (performance.now() > deadlineMs) {
      const last = fault instanceof Error ? `; the last look: ${fault.message}` : '';
      throw new Error(`waited ${timeoutMs / 1000} s for ${what}${last}`, { cause: fault });
    }
    await sleep(everyMs);
  }
}
