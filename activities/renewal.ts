/** What a renewal run does. Each activity is repeatable: a member that is renewed again continues, or does nothing. */
import { Context, heartbeat } from '@temporalio/activity';
import {
  type FailedMember,
  type RenewalMember,
  type RenewalRunProgress,
  type RenewalRunStatus,
  type RenewedSlice,
} from '../domain/renewal/run';
import type { AttemptDependencies } from '../billing/payment/attempt';
import { areRenewalsPaused } from '../billing/renewal/scheduler';
import { memberFailure, renewMember } from '../billing/renewal/renew-member';
import { answerRenewalTasks, raiseRenewalTasks } from '../billing/renewal/renewal-tasks';
import { insertRun, touchRun, updateRun } from '../billing/renewal/run-store';
import type { Messenger } from '../temporal/messenger';
import { sendMessages } from '../temporal/send';
import { isTemporalUnavailable } from '../temporal/unavailable';

export interface RenewalActivities {
  /** @returns whether the run is new: else a worker was lost that had begun it */
  beginRun(runId: string, members: readonly RenewalMember[]): Promise<boolean>;
  /** Renews members side by side, for some seconds; begins none while renewals are paused. */
  renewSlice(runId: string, members: readonly RenewalMember[]): Promise<RenewedSlice>;
  /** Says that the run waits for a worker, and lives. */
  touchRun(runId: string): Promise<void>;
  /** @param left ids of the members that are not done */
  noteRun(
    runId: string,
    status: RenewalRunStatus,
    progress: RenewalRunProgress,
    left: readonly string[],
  ): Promise<void>;
  /** Asks an operator about members that were given up. */
  askAbout(members: readonly FailedMember[]): Promise<void>;
}

/** Members that a slice renews at once: most of a member's time is its provider's. */
const parallelMembers = 12;
/** A slice begins no member later than this. */
const sliceMs = 10_000;
const heartbeatEveryMs = 2_000;

export function createRenewalActivities(
  deps: AttemptDependencies & { messenger: Messenger },
): RenewalActivities {
  const { db } = deps;
  return {
    beginRun: (id, members) =>
      insertRun(db, {
        id,
        members: members.map(({ subscription_id: member }) => member),
        oldestDueAt: members.map(({ due_at: at }) => at).toSorted()[0] ?? new Date().toISOString(),
      }),
    async renewSlice(runId, members) {
      const { info, cancellationSignal } = Context.current();
      const known = (info.heartbeatDetails ?? null) as RenewedSlice | null;
      const slice: RenewedSlice = known ?? { paused: false, outage: false, done: [], failed: [], early: [] };
      const beat = setInterval(() => heartbeat(slice), heartbeatEveryMs);
      try {
        slice.paused = await areRenewalsPaused(db);
        const allowed = members.filter(({ by_clock: byClock }) => byClock || !slice.paused);
        await renewAll(deps, { runId, members: allowed, slice, signal: cancellationSignal });
        slice.outage = slice.failed.some(isOfTemporal);
        // Asked once more, for whoever asks: a member that nobody can lock is no outage.
        if (slice.failed.some(({ reason }) => reason === 'unavailable')) await areRenewalsPaused(db);
        await answerRenewalTasks(db, slice.done);
        return slice;
      } catch (error) {
        const failure = memberFailure(error);
        if (failure.reason !== 'unavailable') throw error;
        // Nobody's fault: it is waited for, and no member is looked for that may be why.
        return { ...slice, outage: true, failed: failedWith(failure, members, slice) };
      } finally {
        clearInterval(beat);
      }
    },
    touchRun: (id) => touchRun(db, id),
    noteRun: (id, status, progress, left) => updateRun(db, id, status, progress, left),
    askAbout: (failed) => raiseRenewalTasks(db, failed),
  };
}

const temporalIsUnavailable = 'Temporal is unavailable';

function isOfTemporal({ detail }: FailedMember): boolean {
  return detail === temporalIsUnavailable;
}

/** Those who are not done have failed so. */
function failedWith(
  failure: Omit<FailedMember, 'subscription_id'>,
  members: readonly RenewalMember[],
  { done }: RenewedSlice,
): FailedMember[] {
  const isDone = new Set(done.map(({ subscription_id: id }) => id));
  return members
    .filter(({ subscription_id: id }) => !isDone.has(id))
    .map(({ subscription_id }) => ({ subscription_id, ...failure }));
}

interface Slice {
  runId: string;
  members: readonly RenewalMember[];
  /** What has become of them so far. */
  slice: RenewedSlice;
  /** Aborted: nothing more is begun; what is in flight ends. */
  signal: AbortSignal;
}

async function renewAll(
  deps: AttemptDependencies & { messenger: Messenger },
  { runId, members, slice, signal }: Slice,
): Promise<void> {
  const isDone = new Set(slice.done.map(({ subscription_id: id }) => id));
  const left = members.filter(({ subscription_id: id }) => !isDone.has(id)).toReversed();
  slice.failed = [];
  slice.early = [];
  const untilMs = performance.now() + sliceMs;
  const lane = async (): Promise<void> => {
    for (let member = left.pop(); member !== undefined; member = left.pop()) {
      if (signal.aborted || performance.now() > untilMs) return;
      await renewOne(deps, runId, member, slice);
    }
  };
  await Promise.all(Array.from({ length: Math.min(parallelMembers, left.length) }, lane));
}

/** A failure is the member's own: the others go on. */
async function renewOne(
  deps: AttemptDependencies & { messenger: Messenger },
  runId: string,
  member: RenewalMember,
  slice: RenewedSlice,
): Promise<void> {
  const { subscription_id } = member;
  try {
    const renewal = await renewMember(deps, runId, member);
    await sendMessages(deps.messenger, renewal.messages);
    if (renewal.kind === 'early') slice.early.push({ subscription_id, wait_ms: renewal.wait_ms });
    else slice.done.push(renewal.renewed);
  } catch (error) {
    slice.failed.push({ subscription_id, ...failureOf(error) });
  }
}

function failureOf(error: unknown): Omit<FailedMember, 'subscription_id'> {
  if (isTemporalUnavailable(error)) return { reason: 'unavailable', detail: temporalIsUnavailable };
  return memberFailure(error);
}
