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
import { carryOutChange } from './change';
import { collectOpenPeriod, takeUp, waitsFor, wakeCollection } from './dunning';
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
  hear(paymentId: string): void;
  isTold(paymentId: string): boolean;
  /** A command, when its turn has come; a period that it opens is collected. */
  ask(step: Step<Committed>): Promise<Subscription>;
  askResumption(command: ResumeCommand): Promise<Subscription>;
  askChange(command: ChangeCommand): Promise<Subscription>;
  /** What is due opens, and what opened is collected. */
  renew(): Promise<void>;
  /** Applies a payment, if its outcome would change anything. */
  settle(paymentId: string): Promise<void>;
  note(step: Step<SubscriptionRecord>): Promise<void>;
  /** Goes on where an earlier run left off. */
  takeUp(): Promise<void>;
}

/** A commit that nobody heard of is decided by then: the database ends statements and transactions earlier. */
const decidedAfterMs = 15_000;

export function createSubscriptionProcess(id: string, queue: MessageQueue): SubscriptionProcess {
  const told: string[] = [];
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

  const isTold = (paymentId: string): boolean => told.includes(paymentId);

  function inTurn(work: () => Promise<SubscriptionRecord>): Promise<Subscription> {
    return queue.ask(async () => {
      held();
      try {
        return adopt(await work()).subscription;
      } catch (error) {
        if (isUnavailable(error)) queue.tellLater(goOn, decidedAfterMs);
        throw error;
      }
    });
  }

  async function note(step: Step<SubscriptionRecord>): Promise<void> {
    adopt(await firstStep((activities) => step(activities, id)));
  }

  /** By the row, whatever became of a step. */
  async function goOn(): Promise<void> {
    const found = await firstStep((step) => step.loadSubscription(id));
    if (found !== null) adopt(await takeUp(found));
  }

  async function renew(): Promise<void> {
    const renewed = await firstChargingStep((step) => step.renewSubscription(id));
    if (renewed.kind === 'early') queue.tellLater(renew, renewed.wait_ms);
    const { record: next, followUp } = renewed;
    if (followUp !== null) await laterStep((step) => step.startFollowUp(followUp));
    adopt(next);
  }

  return {
    adopt,
    isTold,
    note,
    renew,
    lives: () => record !== null && !isFinal(record.subscription.status),
    refuseIfEnded: () => refuseIfEnded(record),
    hear: (paymentId) => void told.push(paymentId),
    ask: (step) => inTurn(async () => collectOpenPeriod(await commit((activities) => step(activities, id)))),
    askResumption: (command) =>
      inTurn(async () => {
        const resumed = await collectOpenPeriod(await commit((step) => step.commitResumption(id, command)));
        await wakeCollection(resumed, 'release');
        return resumed;
      }),
    askChange: (command) =>
      inTurn(async () => {
        const changed = await carryOutChange(id, command, isTold);
        if (command.payment_method_id !== null) await wakeCollection(changed, 'paymentMethodChanged');
        return changed;
      }),
    takeUp: async () => void adopt(await takeUp(held())),
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
