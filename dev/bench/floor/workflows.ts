/** The bare floors: what Temporal alone costs, without any database or topic of ours. */
import {
  condition,
  defineSignal,
  defineUpdate,
  proxyLocalActivities,
  setHandler,
} from '@temporalio/workflow';

const { nothing } = proxyLocalActivities<{ nothing(): Promise<void> }>({ startToCloseTimeout: '5 s' });

export const awaitDone = defineUpdate<boolean>('awaitDone');
export const wake = defineSignal('wake');

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

/** Sleeps; each signal is one task with three empty local activities, as a renewal has. */
export async function sleeper(): Promise<void> {
  let signals = 0;
  setHandler(wake, () => void (signals += 1));
  for (;;) {
    await condition(() => signals > 0);
    signals -= 1;
    for (let step = 0; step < 3; step += 1) await nothing();
  }
}
