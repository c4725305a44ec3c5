/**
 * Advances a test clock: from one due instant to the next, each time until no work is in progress.
 *
 * Invariants:
 * - The clock's row is the record: a run that finds an advance recorded continues it, and one without work ends.
 * - An advance is answered once it is recorded, and continues afterwards.
 * - An advance without progress for a while fails, and its detail says what it waited for.
 * - Nothing here decides what is due.
 */
import {
  allHandlersFinished,
  condition,
  continueAsNew,
  defineUpdate,
  proxyActivities,
  proxyLocalActivities,
  setCurrentDetails,
  setHandler,
  workflowInfo,
} from '@temporalio/workflow';
import type { ClockProgress, ClockState, TestClockActivities } from '../activities/retry';
import type { AdvanceClock, TestClockInput } from '../contracts/workflows/commands';
import { refusal } from './refusals';

/** Answers when the advance is recorded; refused with a code of the error table. */
export const advance = defineUpdate<void, [AdvanceClock]>('advance');

const database = proxyLocalActivities<TestClockActivities>({
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
  let requested = false;
  setHandler(advance, async (command) => {
    const begun = await database.beginAdvance(clockId, command);
    if (begun.kind === 'refused')
      throw refusal(begun.code, begun.detail, 'reason' in begun ? { reason: begun.reason } : {});
    requested = true;
    isStalled = watchProgress();
  });

  for (;;) {
    await condition(allHandlersFinished);
    requested = false;
    const progress = await steps.advanceClock(clockId);
    show(progress.clock);
    if (progress.clock.status === 'advancing') {
      if (isStalled(progress)) show(await steps.failAdvance(clockId));
      else if (workflowInfo().continueAsNewSuggested && allHandlersFinished()) {
        await continueAsNew<typeof testClock>(input);
      }
    } else {
      const hasCaller = () => requested || !allHandlersFinished();
      await condition(hasCaller, lingerMs);
      if (!hasCaller()) return;
    }
  }
}

/** @returns a function that says whether nothing has moved for too long */
function watchProgress(): (progress: ClockProgress) => boolean {
  let seen: string | null = null;
  let waitUntilMs = 0;
  return ({ progress, wait_until: waitUntil, stall_ms: stallMs }) => {
    if (progress !== seen) {
      seen = progress;
      waitUntilMs = Date.now();
    }
    if (waitUntil !== null) waitUntilMs = Math.max(waitUntilMs, Date.parse(waitUntil));
    return Date.now() - waitUntilMs >= stallMs;
  };
}

function show({ status, now, target, steps: passed, detail }: ClockState): void {
  const way = target === null ? `now: ${now}` : `now: ${now}, on the way to ${target}`;
  const lines = [
    `**${status}**`,
    way,
    `due instants passed: ${passed}`,
    ...(detail === null ? [] : [detail]),
  ];
  setCurrentDetails(lines.join('\n\n'));
}
