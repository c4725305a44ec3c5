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
import type { ClockLook, TestClockActivities } from '../activities/retry';
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
    const look = await steps.goOn(clockId);
    showClock(look.clock);
    if (look.clock.status === 'advancing') {
      if (isStalled(look)) showClock(await steps.failAdvance(clockId));
      else if (workflowInfo().continueAsNewSuggested && allHandlersFinished()) {
        await continueAsNew<typeof testClock>(input);
      }
    } else {
      const somebodyAsks = () => asked || !allHandlersFinished();
      await condition(somebodyAsks, lingerMs);
      if (!somebodyAsks()) return;
    }
  }
}

/** Says whether nothing has moved for too long. */
function watchProgress(): (look: ClockLook) => boolean {
  let progress: string | null = null;
  let patientUntilMs = 0;
  return (look) => {
    if (look.progress !== progress) {
      progress = look.progress;
      patientUntilMs = Date.now();
    }
    if (look.patient_until !== null) {
      patientUntilMs = Math.max(patientUntilMs, Date.parse(look.patient_until));
    }
    return Date.now() - patientUntilMs >= look.stall_ms;
  };
}
