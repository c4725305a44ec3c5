/**
 * Gathers the records of subscriptions that are due, across the partitions of a member, and starts renewal runs.
 *
 * Invariants:
 * - A record counts as handled once its run is durable in Temporal, or once the rows say that nothing of it is due.
 * - Records that arrive together are judged by one statement.
 * - A record whose partition is lost leaves the gathering; its next owner reads it again. One whose run is being started
 *   waits for that: it ends soon.
 * - A run's id follows from its records. One whose start had no answer is started again as it is, so that it is one run.
 * - What the judgement or Temporal refuses is judged, or started, once more record by record: a bad one is alone.
 */
import type { DueJudgement } from '../../billing/renewal/due-members';
import { Unprocessable } from '../../billing/unprocessable';
import type { RenewalRunInput } from '../../contracts/workflows/commands';
import { derivedId } from '../../domain/ids';
import { runSize, runStartsAtMs } from '../../domain/renewal/gathering';
import type { RenewalMember } from '../../domain/renewal/run';
import type { TraceContext } from '../../domain/trace';

/** A record that says that a subscription is due. */
export interface DueRecord {
  /** Where it stands and what it is: another record has another identity. */
  identity: string;
  subscriptionId: string;
  trace: TraceContext;
}

export interface GatheringDependencies {
  judge(ids: readonly string[]): Promise<ReadonlyMap<string, DueJudgement>>;
  start(run: RenewalRunInput): Promise<void>;
  /** Whether the same may succeed later. */
  isUnavailable(error: unknown): boolean;
  /** How long few members wait for others, milliseconds. */
  longestMs: number;
}

/** Records that arrive within this time are judged together. */
const judgedAfterMs = 20;
const startedAgainAfterMs = 1_000;

interface Waiting {
  record: DueRecord;
  sinceMs: number;
  due: Extract<DueJudgement, { kind: 'due' }> | null;
  isLost: boolean;
  /** Its run is being started. */
  isStarting: boolean;
  done(): void;
  fail(error: unknown): void;
}

export class Gathering {
  private arrived: Waiting[] = [];
  private gathered: Waiting[] = [];
  private timer: NodeJS.Timeout | undefined;

  constructor(private readonly deps: GatheringDependencies) {}

  /**
   * Resolves when the record is handled.
   * @param signal aborted: its partition is lost; the record is not handled
   * @throws Unprocessable when there is no such subscription; what failed at the judgement or the start of the run
   */
  add(record: DueRecord, signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const waiting: Waiting = {
        record,
        sinceMs: performance.now(),
        due: null,
        isLost: false,
        isStarting: false,
        done: finish(resolve),
        fail: finish(reject),
      };
      const leave = (): void => {
        waiting.isLost = true;
        if (waiting.isStarting) return;
        this.arrived = this.arrived.filter((other) => other !== waiting);
        this.gathered = this.gathered.filter((other) => other !== waiting);
        reject(lost());
      };
      function finish<T>(conclude: (value: T) => void): (value: T) => void {
        return (value) => {
          signal.removeEventListener('abort', leave);
          conclude(value);
        };
      }
      signal.addEventListener('abort', leave, { once: true });
      if (this.arrived.length === 0) setTimeout(() => void this.judgeArrived(), judgedAfterMs);
      this.arrived.push(waiting);
    });
  }

  private async judgeArrived(): Promise<void> {
    const arrived = this.arrived;
    this.arrived = [];
    await this.judge(arrived);
    this.startWhenTime();
  }

  private async judge(arrived: readonly Waiting[]): Promise<void> {
    try {
      const judgements = await this.deps.judge(arrived.map(({ record }) => record.subscriptionId));
      for (const waiting of arrived) this.gather(waiting, judgements.get(waiting.record.subscriptionId));
    } catch (error) {
      if (arrived.length === 1 || this.deps.isUnavailable(error))
        for (const waiting of arrived) waiting.fail(error);
      else for (const waiting of arrived) await this.judge([waiting]);
    }
  }

  private gather(waiting: Waiting, judgement: DueJudgement | undefined): void {
    if (waiting.isLost) return;
    const { subscriptionId } = waiting.record;
    if (judgement === undefined) {
      const words = `there is no subscription ${subscriptionId}`;
      return waiting.fail(new Unprocessable('unknown_subscription', words));
    }
    if (judgement.kind === 'idle') return waiting.done();
    waiting.due = judgement;
    this.gathered.push(waiting);
  }

  private startWhenTime(): void {
    clearTimeout(this.timer);
    // A test clock waits for its customers.
    const byClock = this.gathered.filter(({ due }) => due?.byClock);
    for (let at = 0; at < byClock.length; at += runSize) this.startRun(byClock.slice(at, at + runSize));
    for (;;) {
      const oldest = this.gathered[0];
      if (oldest === undefined) return;
      const startsAtMs = runStartsAtMs(this.gathered.length, oldest.sinceMs, this.deps.longestMs);
      const waitMs = startsAtMs - performance.now();
      if (waitMs > 0) {
        this.timer = setTimeout(() => this.startWhenTime(), waitMs);
        return;
      }
      this.startRun(this.gathered.slice(0, runSize));
    }
  }

  private startRun(taken: readonly Waiting[]): void {
    this.gathered = this.gathered.filter((waiting) => !taken.includes(waiting));
    void this.startUntilAnswered(taken);
  }

  /** Without an answer the run may have started: with others its members would be another run. */
  private async startUntilAnswered(taken: readonly Waiting[]): Promise<void> {
    const run = runOf(taken);
    for (const waiting of taken) waiting.isStarting = true;
    for (;;) {
      try {
        await this.deps.start(run);
        for (const waiting of taken) waiting.done();
        return;
      } catch (error) {
        if (this.deps.isUnavailable(error)) {
          for (const waiting of taken.filter(({ isLost }) => isLost)) waiting.fail(lost());
          if (taken.every(({ isLost }) => isLost)) return;
          await new Promise((resolve) => setTimeout(resolve, startedAgainAfterMs));
          continue;
        }
        if (taken.length === 1) return taken.forEach((waiting) => waiting.fail(error));
        // A bad one is alone then.
        return void taken.map((waiting) => this.startUntilAnswered([waiting]));
      }
    }
  }
}

function lost(): Error {
  return new Error('the partition of the record is lost');
}

/** A subscription that several records name is a member once. */
function runOf(taken: readonly Waiting[]): RenewalRunInput {
  const members = new Map<string, RenewalMember>();
  for (const { record, due } of taken) {
    const { subscriptionId: subscription_id, trace } = record;
    if (due === null) continue;
    const { due_at, byClock: by_clock } = due;
    members.set(subscription_id, { subscription_id, due_at, by_clock, trace });
  }
  const run_id = derivedId('renewal_run', taken.map(({ record }) => record.identity).toSorted());
  const sorted = [...members.values()].toSorted((a, b) => (a.subscription_id < b.subscription_id ? -1 : 1));
  return { run_id, members: sorted };
}
