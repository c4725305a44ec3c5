/**
 * Advances a test clock: from one due instant to the next, each time until all is quiet.
 *
 * The clock's row is the record; a run that finds an advance recorded goes on with it, and one that has nothing to do
 * ends. Invariants: an advance is answered once it is recorded, and goes on afterwards; without progress for a while it
 * fails, saying what it waited for; nothing here decides what is due.
 */
import {
  allHandlersFinished,
  condition,
  continueAsNew,
  defineUpdate,
  proxyActivities,
  proxyLocalActivities,
  setHandler,
  workflowInfo,
} from '@temporalio/workflow';
import type { ClockProgress, TestClockActivities } from '../activities/retry';
import type { AdvanceClock, TestClockInput } from '../contracts/workflows/commands';
import { refusal } from './refusals';
import { showClock } from './test-clock-display';

/** Answers when the advance is recorded; refused with a code of the error table. */
export const advance = defineUpdate<void, [AdvanceClock]>('advance');

const records = proxyLocalActivities<TestClockActivities>({
  scheduleToCloseTimeout: '5 s',
  retry: { initialInterval: '250 ms', maximumAttempts: 5 },
});
const steps = proxyActivities<TestClockActivities>({
  startToCloseTimeout: '2 min',
  heartbeatTimeout: '30 s',
  retry: { initialInterval: '1 s', maximumInterval: '10 s' },
});

/** The next advance mostly comes soon, and a workflow may not be started again within a second. */
const lingerMs = 5_000;

export async function testClock(input: TestClockInput): Promise<void> {
  const { clock_id: clockId } = input;
  let isStalled = watchProgress();
  let asked = false;
  setHandler(advance, async (command) => {
    const begun = await records.beginAdvance(clockId, command);
    if (begun.kind === 'refused')
      throw refusal(begun.code, begun.detail, 'reason' in begun ? { reason: begun.reason } : {});
    asked = true;
    isStalled = watchProgress();
  });

  for (;;) {
    await condition(allHandlersFinished);
    asked = false;
    const progressOf = await steps.advanceClock(clockId);
    showClock(progressOf.clock);
    if (progressOf.clock.status === 'advancing') {
      if (isStalled(progressOf)) showClock(await steps.failAdvance(clockId));
      else if (workflowInfo().continueAsNewSuggested && allHandlersFinished()) {
        await continueAsNew<typeof testClock>(input);
      }
    } else {
      const hasCaller = () => asked || !allHandlersFinished();
      await condition(hasCaller, lingerMs);
      if (!hasCaller()) return;
    }
  }
}

/** Says whether nothing has moved for too long. */
function watchProgress(): (progressOf: ClockProgress) => boolean {
  let progress: string | null = null;
  let waitUntilMs = 0;
  return (progressOf) => {
    if (progressOf.progress !== progress) {
      progress = progressOf.progress;
      waitUntilMs = Date.now();
    }
    if (progressOf.wait_until !== null) {
      waitUntilMs = Math.max(waitUntilMs, Date.parse(progressOf.wait_until));
    }
    return Date.now() - waitUntilMs >= progressOf.stall_ms;
  };
}
