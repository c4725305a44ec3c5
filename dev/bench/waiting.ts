/** Waiting for what others do. */
import { setTimeout as sleep } from 'node:timers/promises';

/** Asks until the answer is yes. @throws Error that says what was waited for */
export async function untilTrue(
  what: string,
  ask: () => Promise<boolean>,
  timeoutMs: number,
  everyMs = 250,
): Promise<void> {
  const deadlineMs = performance.now() + timeoutMs;
  while (!(await ask())) {
    if (performance.now() > deadlineMs) throw new Error(`${what}: not within ${timeoutMs / 1000} s`);
    await sleep(everyMs);
  }
}
