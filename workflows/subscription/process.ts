/**
 * What the process of one subscription holds, and what it does when a message's turn has come.
 *
 * Owns: the record as last read or written. Invariants: it is replaced by what a transaction returned, never edited; a
 * step that nobody heard the end of is looked into when it must have been decided.
 */
import { ApplicationFailure } from '@temporalio/workflow';
import type { Committed, SubscriptionActivities, SubscriptionRecord } from '../../activities/subscription';
import type { ChangeCommand, ResumeCommand } from '../../contracts/workflows/commands';
import type { Subscription } from '../../contracts/http/subscriptions';
import { isFinal } from '../../domain/subscription/subscription';
import type { MessageQueue } from '../message-queue';
import { firstChargingStep, firstStep, isUnavailable, laterStep } from './activities';
import { executeChange } from './change';
import { chargeOpenPeriod, resume, waitsFor, wakeDunning } from './dunning';
import { showSubscription } from './display';
import { refusal, refuseIfEnded } from '../refusals';

/** One transaction of the subscription. */
type Step<T> = (step: SubscriptionActivities, id: string) => Promise<T>;

export interface SubscriptionProcess {
  adopt(next: SubscriptionRecord): void;
  lives(): boolean;
  /** @throws ApplicationFailure `subscription_final` */
  refuseIfEnded(): void;
  /** A payment's outcome was told, perhaps to somebody who waits for it. */
  recordOutcome(paymentId: string): void;
  hasOutcome(paymentId: string): boolean;
  /** A command, when its turn has come; a period that it opens is collected. */
  ask(step: Step<Committed>): Promise<Subscription>;
  requestResumption(command: ResumeCommand): Promise<Subscription>;
  requestChange(command: ChangeCommand): Promise<Subscription>;
  /** What is due opens, and what opened is collected. */
  renew(): Promise<void>;
  /** Applies a payment, if its outcome would change anything. */
  settle(paymentId: string): Promise<void>;
  note(step: Step<SubscriptionRecord>): Promise<void>;
  /** Goes on where an earlier run left off. */
  resume(): Promise<void>;
}

/** A commit that nobody heard of is decided by then: the database ends statements and transactions earlier. */
const decidedAfterMs = 15_000;

export function createSubscriptionProcess(id: string, queue: MessageQueue): SubscriptionProcess {
  const settled: string[] = [];
  let record: SubscriptionRecord | null = null;

  function adopt(next: SubscriptionRecord): SubscriptionRecord {
    showSubscription(record, next);
    record = next;
    return next;
  }

  function held(): SubscriptionRecord {
    if (record !== null) return record;
    throw ApplicationFailure.nonRetryable(`there is no subscription ${id}`, 'not_found');
  }

  const hasOutcome = (paymentId: string): boolean => settled.includes(paymentId);

  function inTurn(work: () => Promise<SubscriptionRecord>): Promise<Subscription> {
    return queue.ask(async () => {
      held();
      try {
        return adopt(await work()).subscription;
      } catch (error) {
        if (isUnavailable(error)) queue.enqueueLater(resumeByRow, decidedAfterMs);
        throw error;
      }
    });
  }

  async function note(step: Step<SubscriptionRecord>): Promise<void> {
    adopt(await firstStep((activities) => step(activities, id)));
  }

  /** By the row, whatever became of a step. */
  async function resumeByRow(): Promise<void> {
    const found = await firstStep((step) => step.loadSubscription(id));
    if (found !== null) adopt(await resume(found));
  }

  async function renew(): Promise<void> {
    const renewed = await firstChargingStep((step) => step.renewSubscription(id));
    if (renewed.kind === 'early') queue.enqueueLater(renew, renewed.wait_ms);
    const { record: next, followUp } = renewed;
    if (followUp !== null) await laterStep((step) => step.startFollowUp(followUp));
    adopt(next);
  }

  return {
    adopt,
    hasOutcome,
    note,
    renew,
    lives: () => record !== null && !isFinal(record.subscription.status),
    refuseIfEnded: () => refuseIfEnded(record),
    recordOutcome: (paymentId) => void settled.push(paymentId),
    ask: (step) => inTurn(async () => chargeOpenPeriod(await commit((activities) => step(activities, id)))),
    requestResumption: (command) =>
      inTurn(async () => {
        const resumed = await chargeOpenPeriod(await commit((step) => step.commitResumption(id, command)));
        await wakeDunning(resumed, 'release');
        return resumed;
      }),
    requestChange: (command) =>
      inTurn(async () => {
        const changed = await executeChange(id, command, hasOutcome);
        if (command.payment_method_id !== null) await wakeDunning(changed, 'paymentMethodChanged');
        return changed;
      }),
    resume: async () => void adopt(await resume(held())),
    async settle(paymentId) {
      if (!waitsFor(held(), paymentId)) return;
      const creating = held().subscription.status === 'incomplete';
      await note((step) => (creating ? step.applyFirstPayment(id) : step.applyPayment(id, paymentId)));
    },
  };
}

/** @throws ApplicationFailure with a code of the error table */
async function commit(
  step: (activities: SubscriptionActivities) => Promise<Committed>,
): Promise<SubscriptionRecord> {
  const committed = await firstStep(step);
  if (committed.kind === 'committed') return committed.record;
  throw refusal(committed.code, committed.detail, { reason: committed.reason });
}
