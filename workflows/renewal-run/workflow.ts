/**
 * A renewal run: renews subscriptions that are due at about the same time, slice by slice.
 *
 * Invariants:
 * - The rows decide: a member that is renewed twice, or is not due any more, is charged once or not at all.
 * - A member that cannot be renewed now is tried again later, and the others do not wait for it.
 * - A run that finds renewals paused waits for the end of the pause; customers with a test clock do not.
 */
import {
  condition,
  continueAsNew,
  proxyActivities,
  proxyLocalActivities,
  setCurrentDetails,
  sleep,
  workflowInfo,
} from '@temporalio/workflow';
import type { RenewalActivities } from '../../activities/renewal';
import type { RenewalRunInput } from '../../contracts/workflows/commands';
import {
  addSlice,
  afterSlice,
  waitingMember,
  type RenewalMember,
  type RenewalRunProgress,
  type RenewalRunStatus,
  type RenewedSlice,
  type WaitingMember,
} from '../../domain/renewal/run';
import { failureCause, retryUntilDone } from '../activity-retry';
import { runDetails } from './display';

/** Members of a slice at most. */
const sliceSize = 50;
/**
 * So few are renewed in the workflow's own task, once: a member that takes its worker down there leaves no trace, and
 * would do so for ever.
 */
const fewMembers = 3;
/** A run that waits for a worker says so before it counts as lost. */
const touchEveryMs = 5 * 60_000;
const continuedAfterMs = 60 * 60_000;

const rows = proxyLocalActivities<RenewalActivities>({
  scheduleToCloseTimeout: '5 s',
  retry: { initialInterval: '250 ms', backoffCoefficient: 2, maximumAttempts: 5 },
});
const few = proxyLocalActivities<RenewalActivities>({
  scheduleToCloseTimeout: '12 s',
  retry: { maximumAttempts: 1 },
});
const many = proxyActivities<RenewalActivities>({
  startToCloseTimeout: '1 min',
  heartbeatTimeout: '10 s',
  retry: { initialInterval: '1 s', backoffCoefficient: 2, maximumAttempts: 3 },
});

export async function renewalRun(input: RenewalRunInput): Promise<void> {
  const { run_id: runId, members } = input;
  let progress: RenewalRunProgress = input.progress ?? { counts: {}, exceptions: [] };
  let left: WaitingMember[] = input.left ?? members.map((member) => waitingMember(member, Date.now()));
  let isInTask = false;
  if (input.left === undefined) {
    const isNew = await retryUntilDone(() => rows.beginRun(runId, members));
    isInTask = isNew && members.length <= fewMembers;
  }

  while (left.length > 0) {
    setCurrentDetails(runDetails(members, progress, left));
    if (shouldContinueAsNew()) await continueAsNew<typeof renewalRun>({ ...input, left, progress });
    const { slice, others } = nextSlice(left, Date.now());
    if (slice.length === 0) {
      await sleep(untilNextMs(left), { summary: 'until the next member may be tried' });
      continue;
    }
    const sliceMembers = slice.map(({ member }) => member);
    const renewed = isInTask
      ? await renewInTask(runId, sliceMembers)
      : await whileTouched(runId, renew(runId, sliceMembers));
    isInTask = false;
    const { again, givenUp } = afterSlice(slice, renewed, Date.now());
    left = [...others, ...again];
    progress = addSlice(progress, renewed.done, givenUp);
    if (givenUp.length > 0) await retryUntilDone(() => rows.askAbout(givenUp));
    await note(runId, renewed.paused ? 'paused' : 'running', progress, left);
  }
  setCurrentDetails(runDetails(members, progress, left));
}

async function renewInTask(runId: string, members: readonly RenewalMember[]): Promise<RenewedSlice> {
  try {
    return await few.renewSlice(runId, members);
  } catch (error) {
    if (failureCause(error) === null) throw error;
    return lostWith(members);
  }
}

async function whileTouched<T>(runId: string, work: Promise<T>): Promise<T> {
  let isOver = false;
  const finished = work.finally(() => (isOver = true));
  finished.catch(() => undefined);
  while (!(await condition(() => isOver, touchEveryMs))) await retryUntilDone(() => rows.touchRun(runId));
  return finished;
}

/** Renews a slice. One that is lost with its worker again and again is divided: a member may be why. */
async function renew(runId: string, members: readonly RenewalMember[]): Promise<RenewedSlice> {
  try {
    return await many.renewSlice(runId, members);
  } catch (error) {
    if (failureCause(error) === null) throw error;
    const [first, ...rest] = members;
    if (first === undefined || rest.length === 0) return lostWith(members);
    const half = Math.ceil(members.length / 2);
    return both(await renew(runId, members.slice(0, half)), await renew(runId, members.slice(half)));
  }
}

function lostWith(members: readonly RenewalMember[]): RenewedSlice {
  const failed = members.map(({ subscription_id }) => ({
    subscription_id,
    reason: 'fault' as const,
    detail: 'its worker was lost, or took too long',
  }));
  return { paused: false, outage: false, done: [], failed, early: [] };
}

function both(one: RenewedSlice, other: RenewedSlice): RenewedSlice {
  return {
    paused: one.paused || other.paused,
    outage: one.outage || other.outage,
    done: [...one.done, ...other.done],
    failed: [...one.failed, ...other.failed],
    early: [...one.early, ...other.early],
  };
}

async function note(
  runId: string,
  status: RenewalRunStatus,
  progress: RenewalRunProgress,
  left: readonly WaitingMember[],
): Promise<void> {
  const ids = left.map(({ member }) => member.subscription_id);
  await retryUntilDone(() => rows.noteRun(runId, ids.length === 0 ? 'finished' : status, progress, ids));
}

/** The oldest members that may be tried now. */
function nextSlice(
  left: readonly WaitingMember[],
  nowMs: number,
): { slice: WaitingMember[]; others: WaitingMember[] } {
  const slice = left.filter(({ atMs }) => atMs <= nowMs).slice(0, sliceSize);
  return { slice, others: left.filter((waiting) => !slice.includes(waiting)) };
}

function untilNextMs(left: readonly WaitingMember[]): number {
  return Math.max(1, Math.min(...left.map(({ atMs }) => atMs)) - Date.now());
}

function shouldContinueAsNew(): boolean {
  const { continueAsNewSuggested, runStartTime } = workflowInfo();
  return continueAsNewSuggested || Date.now() - runStartTime.getTime() > continuedAfterMs;
}
