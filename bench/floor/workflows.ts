/** The bare floor: what Temporal alone costs, without any database or topic of ours. */
import { defineUpdate, proxyLocalActivities, setHandler, condition } from '@temporalio/workflow';

const { nothing } = proxyLocalActivities<{ nothing(): Promise<void> }>({ startToCloseTimeout: '5 s' });

export const awaitDone = defineUpdate<boolean>('awaitDone');

/** One update-with-start, one task, one empty local activity. */
export async function floor(): Promise<void> {
  let done = false;
  setHandler(awaitDone, async () => {
    await condition(() => done);
    return done;
  });
  await nothing();
  done = true;
}
