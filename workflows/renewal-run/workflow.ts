/**
 * A renewal run: renews subscriptions that are due at about the same time, slice by slice.
 *
 * Invariants:
 * - The rows decide: a member that is renewed twice, or is not due any more, is charged once or not at all.
 * - A member that cannot be renewed now is tried again later, and the others do not wait for it.
 * - A run that finds renewals paused ends, and says whom it left; who is due is announced again after the pause.
 */
import {
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
import { retryUntilDone } from '../activity-retry';
import { runDetails } from './display';

/** Members of a slice at most. */
const sliceSize = 50;
/** So few are renewed in the workflow's own task. */
const fewMembers = 3;
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
  retry: { initialInterval: '1 s', backoffCoefficient: 2, maximumInterval: '30 s' },
});

export async function renewalRun(input: RenewalRunInput): Promise<void> {
  const { run_id: runId, members } = input;
  let progress: RenewalRunProgress = input.progress ?? { counts: {}, exceptions: [] };
  let left: WaitingMember[] = input.left ?? members.map((member) => waitingMember(member, Date.now()));
  if (input.left === undefined) await retryUntilDone(() => rows.beginRun(runId, members));

  while (left.length > 0) {
    setCurrentDetails(runDetails(members, progress, left));
    if (shouldContinueAsNew()) await continueAsNew<typeof renewalRun>({ ...input, left, progress });
    const { slice, others } = nextSlice(left, Date.now());
    if (slice.length === 0) {
      await sleep(untilNextMs(left), { summary: 'until the next member may be tried' });
      continue;
    }
    const renewed = await renew(runId, slice);
    const { again, givenUp } = afterSlice(slice, renewed, Date.now());
    left = [...others, ...again];
    progress = addSlice(progress, renewed.done, givenUp);
    if (renewed.paused) return end(runId, 'paused', members, progress, left);
    if (left.length > 0) await retryUntilDone(() => rows.noteRun(runId, 'running', progress));
  }
  await end(runId, 'finished', members, progress, left);
}

/** Renews a slice. One whose few members are not done in time is repeated. */
async function renew(runId: string, slice: readonly WaitingMember[]): Promise<RenewedSlice> {
  const members = slice.map(({ member }) => member);
  if (members.length > fewMembers) return many.renewSlice(runId, members);
  return retryUntilDone(() => few.renewSlice(runId, members));
}

async function end(
  runId: string,
  status: RenewalRunStatus,
  members: readonly RenewalMember[],
  progress: RenewalRunProgress,
  left: readonly WaitingMember[],
): Promise<void> {
  setCurrentDetails(runDetails(members, progress, left));
  await retryUntilDone(() => rows.noteRun(runId, status, progress));
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
