/**
 * Gathers the records of subscriptions that are due, across the partitions of a member, and starts renewal runs.
 *
 * Invariants:
 * - A record counts as handled once its run is durable in Temporal, or once the rows say that nothing of it is due.
 * - Records that arrive together are judged by one statement.
 * - A record whose partition is lost leaves the gathering; its next owner reads it again.
 * - A run's id follows from its records, so that starting it again starts nothing.
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
  /** How long few members wait for others, milliseconds. */
  longestMs: number;
}

/** Records that arrive within this time are judged together. */
const judgedAfterMs = 20;

interface Waiting {
  record: DueRecord;
  sinceMs: number;
  due: Extract<DueJudgement, { kind: 'due' }> | null;
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
        done: finish(resolve),
        fail: finish(reject),
      };
      const leave = (): void => {
        this.arrived = this.arrived.filter((other) => other !== waiting);
        this.gathered = this.gathered.filter((other) => other !== waiting);
        reject(new Error('the partition of the record is lost'));
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
    let judgements: ReadonlyMap<string, DueJudgement>;
    try {
      judgements = await this.deps.judge(arrived.map(({ record }) => record.subscriptionId));
    } catch (error) {
      for (const waiting of arrived) waiting.fail(error);
      return;
    }
    for (const waiting of arrived) this.gather(waiting, judgements.get(waiting.record.subscriptionId));
    this.startWhenTime();
  }

  private gather(waiting: Waiting, judgement: DueJudgement | undefined): void {
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
    if (byClock.length > 0) this.startRun(byClock.slice(0, runSize));
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
    this.deps.start(runOf(taken)).then(
      () => taken.forEach((waiting) => waiting.done()),
      (error: unknown) => taken.forEach((waiting) => waiting.fail(error)),
    );
  }
}

/** A subscription that several records name is a member once. */
function runOf(taken: readonly Waiting[]): RenewalRunInput {
  const members = new Map<string, RenewalMember>();
  for (const { record, due } of taken) {
    const { subscriptionId: subscription_id, trace } = record;
    if (due !== null) members.set(subscription_id, { subscription_id, due_at: due.due_at, trace });
  }
  const run_id = derivedId('renewal_run', taken.map(({ record }) => record.identity).toSorted());
  const sorted = [...members.values()].toSorted((a, b) => (a.subscription_id < b.subscription_id ? -1 : 1));
  return { run_id, members: sorted };
}
