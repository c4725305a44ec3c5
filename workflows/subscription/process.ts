/**
 * The state of one subscription's process, and its reaction to each message.
 *
 * Owns: the record as last read or written. Invariants:
 * - The record is replaced by what a transaction returned, never edited.
 * - After a step whose commit is uncertain, the row is read again once the commit must be decided.
 */
import { ApplicationFailure } from '@temporalio/workflow';
import type {
  Committed,
  HeldSubscription,
  SubscriptionActivities,
  SubscriptionRecord,
} from '../../activities/subscription';
import type {
  CancelCommand,
  ChangeCommand,
  PauseCommand,
  ResumeCommand,
} from '../../contracts/workflows/commands';
import { isFinal } from '../../domain/subscription/subscription';
import type { MessageQueue } from '../message-queue';
import { firstStep, isUnavailable } from './activities';
import { executeChange } from './change';
import { chargeOpened, resumeOpenWork, type ExecutedCommand } from './charging';
import { showSubscription } from './display';
import { refusal, refuseIfEnded } from '../refusals';

/** One transaction of the subscription. */
type Step<T> = (step: SubscriptionActivities, id: string) => Promise<T>;

export interface SubscriptionProcess {
  /** Takes over the row that a creation wrote or found. */
  adopt(next: SubscriptionRecord): void;
  /** Whether there is a subscription that has not ended. */
  isLive(): boolean;
  /** @throws ApplicationFailure `subscription_final` */
  refuseIfEnded(): void;
  /** Notes that a payment has its outcome, for a caller that waits for it. */
  recordOutcome(paymentId: string): void;
  hasOutcome(paymentId: string): boolean;
  /** Executes a command in its turn, and charges the period that it opens. */
  execute(command: CancelCommand | PauseCommand, step: Step<Committed>): Promise<HeldSubscription>;
  resume(command: ResumeCommand): Promise<HeldSubscription>;
  change(command: ChangeCommand): Promise<HeldSubscription>;
  /** Takes over the row that another has changed. */
  look(): Promise<void>;
  /** {@link look}, and resumes what another has left half done. */
  repair(): Promise<void>;
  /** Applies a payment, if its outcome would change anything. */
  applyPayment(paymentId: string): Promise<void>;
  /** Runs a step that records a message. */
  record(step: Step<SubscriptionRecord>): Promise<void>;
  /** Resumes the work that an earlier run left open. */
  resumeWork(): Promise<void>;
}

/** A commit whose answer was lost is decided by then: the database ends statements and transactions earlier. */
const decidedAfterMs = 15_000;

export function createSubscriptionProcess(id: string, queue: MessageQueue): SubscriptionProcess {
  const outcomes: string[] = [];
  let record: SubscriptionRecord | null = null;
  const hasOutcome = (paymentId: string): boolean => outcomes.includes(paymentId);

  function adopt(next: SubscriptionRecord): SubscriptionRecord {
    showSubscription(record, next);
    record = next;
    return next;
  }

  /** The record; a creation that cannot be concluded now may have left a row. */
  async function loaded(): Promise<SubscriptionRecord> {
    const found = record ?? (await firstStep((step) => step.loadSubscription(id)));
    if (found !== null) return record ?? adopt(found);
    throw ApplicationFailure.nonRetryable(`there is no subscription ${id}`, 'not_found');
  }

  function inTurn(commandId: string, work: () => Promise<SubscriptionRecord>): Promise<HeldSubscription> {
    return queue.submit(commandId, async () => {
      await loaded();
      try {
        return adopt(await work()).subscription;
      } catch (error) {
        if (isUnavailable(error)) queue.enqueueLater(reloadAndResume, decidedAfterMs);
        throw error;
      }
    });
  }

  async function recordMessage(step: Step<SubscriptionRecord | null>): Promise<void> {
    const found = await firstStep((activities) => step(activities, id));
    if (found !== null) adopt(found);
  }

  /** The command stands, even where what it opened cannot be charged now. */
  const charged = (done: ExecutedCommand): Promise<SubscriptionRecord> =>
    chargeOpened(done).catch((error: unknown) => {
      if (!isUnavailable(error)) throw error;
      queue.enqueueLater(reloadAndResume, decidedAfterMs);
      return done.record;
    });

  /** Resumes by the row, whatever became of a step. */
  async function reloadAndResume(): Promise<void> {
    const found = await firstStep((step) => step.loadSubscription(id));
    if (found !== null) adopt(await resumeOpenWork(found));
  }

  const execute = (command: CancelCommand | PauseCommand | ResumeCommand, step: Step<Committed>) =>
    inTurn(command.command_id, async () => charged(await commit((activities) => step(activities, id))));
  return {
    adopt,
    hasOutcome,
    repair: reloadAndResume,
    record: recordMessage,
    isLive: () => record !== null && !isFinal(record.subscription.status),
    refuseIfEnded: () => refuseIfEnded(record),
    recordOutcome: (paymentId) => void outcomes.push(paymentId),
    execute,
    resume: (command) => execute(command, (step) => step.commitResumption(id, command)),
    change: (command) => inTurn(command.command_id, () => executeChange(id, command, hasOutcome)),
    look: () => recordMessage((step) => step.loadSubscription(id)),
    resumeWork: async () => void adopt(await resumeOpenWork(await loaded())),
    async applyPayment(paymentId) {
      // The rows decide whether the money is still to be applied, and to what.
      const { status } = (await loaded()).subscription;
      if (isFinal(status)) return;
      const creating = status === 'incomplete';
      await recordMessage((step) =>
        creating ? step.applyFirstPayment(id) : step.applyPayment(id, paymentId),
      );
    },
  };
}

/** @throws ApplicationFailure with a code of the error table */
async function commit(
  step: (activities: SubscriptionActivities) => Promise<Committed>,
): Promise<ExecutedCommand> {
  const committed = await firstStep(step);
  if (committed.kind === 'committed') return committed;
  throw refusal(committed.code, committed.detail, { reason: committed.reason });
}
