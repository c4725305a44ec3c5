/** Repeats the steps of `payment/{id}` that cannot be done now; messages go first. */
import { condition } from '@temporalio/workflow';
import { failureCause } from '../activity-retry';

const firstBackOffMs = 1_000;
const longestBackOffMs = 10 * 60_000;

export interface Repeated {
  /**
   * Runs a step. When it cannot be done now, waits longer each time, or until a message comes, and reads the row again.
   * @returns whether it was done
   */
  done(step: () => Promise<void>): Promise<boolean>;
}

/** @param messages how many have arrived: one that comes while it waits ends the wait */
export function createRepeated(messages: () => number, reload: () => Promise<void>): Repeated {
  let backOffMs = firstBackOffMs;
  return {
    async done(step) {
      const before = messages();
      try {
        await step();
        backOffMs = firstBackOffMs;
        return true;
      } catch (error) {
        if (failureCause(error) === null) throw error;
        const waitMs = backOffMs;
        backOffMs = Math.min(2 * waitMs, longestBackOffMs);
        await condition(() => messages() > before, waitMs);
        await reload();
        return false;
      }
    },
  };
}
