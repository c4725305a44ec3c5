/**
 * The process of one subscription, from its creation to its end.
 *
 * The row is the record: this workflow takes the messages one at a time, decides by the row it holds, and commits
 * through an activity that refuses when the row is another version. Then it adopts that row and decides again.
 * Invariants: a message is answered by what stands in the database; nothing is decided by the clock of a worker;
 * before the run ends every message has its answer.
 */
import {
  allHandlersFinished,
  ApplicationFailure,
  condition,
  continueAsNew,
  defineSignal,
  defineUpdate,
  setHandler,
  workflowInfo,
} from '@temporalio/workflow';
import type { SubscriptionRecord } from '../activities/subscription';
import type {
  CancelCommand,
  CreationResult,
  FirstPaymentSettled,
  SubscriptionInput,
} from '../contracts/commands';
import type { Subscription } from '../contracts/http/subscriptions';
import { decideCancelNow, isFinal } from '../domain/subscription';
import { createMessageQueue } from './message-queue';
import { createSecondLook } from './second-look';
import { firstStep, isUnavailable } from './subscription-activities';
import { createOrAdopt } from './subscription-creation';
import { showSubscription } from './subscription-display';

/** Answers when the creation is concluded; the row says how. */
export const awaitCreated = defineUpdate<CreationResult>('awaitCreated');
/** Cancels now; answers the subscription. Refused with `subscription_final`. */
export const cancel = defineUpdate<Subscription, [CancelCommand]>('cancel');
/** The first payment, which stayed open, has its outcome. */
export const firstPaymentSettled = defineSignal<[FirstPaymentSettled]>('firstPaymentSettled');

export async function subscription(input: SubscriptionInput): Promise<void> {
  const queue = createMessageQueue();
  const secondLook = createSecondLook();
  let record: SubscriptionRecord | null = null;
  let created: CreationResult | ApplicationFailure | null = null;
  let firstPaymentTold = false;

  setHandler(awaitCreated, async () => {
    await condition(() => created !== null);
    if (created instanceof ApplicationFailure) throw created;
    return created ?? 'too_late';
  });
  setHandler(cancel, (command) => queue.add(() => carryOut(command)));
  setHandler(firstPaymentSettled, () => {
    firstPaymentTold = true;
  });

  try {
    const begun = await createOrAdopt(input, takeFirstPaymentTold);
    if (begun !== null) adopt(begun);
    created = begun === null ? 'too_late' : 'concluded';
  } catch (error) {
    created = refusalOf(error);
  }

  while (lives()) {
    const spokenTo = await somethingToDo(() => queue.hasWork() || firstPaymentTold, secondLook.waitMs());
    if (takeFirstPaymentTold() || !spokenTo) await lookAtRow();
    else if (queue.hasWork()) await queue.takeOne();
    else await continueAsNew<typeof subscription>({ ...input, creation: null });
  }
  // Whoever asks while the run is ending is answered, too: by the final row.
  do {
    while (queue.hasWork()) await queue.takeOne();
    await condition(() => queue.hasWork() || allHandlersFinished());
  } while (queue.hasWork());

  /** Applies the first payment's outcome, if there is one to apply, and adopts the row; no database: again later. */
  async function lookAtRow(): Promise<void> {
    const { id, version } = held().subscription;
    try {
      adopt(await firstStep((step) => step.applyFirstPayment(id, version)));
      secondLook.done();
    } catch (error) {
      if (!isUnavailable(error)) throw error;
      secondLook.later();
    }
  }

  async function carryOut(command: CancelCommand): Promise<Subscription> {
    try {
      return adopt(await cancelNow(held(), command)).subscription;
    } catch (error) {
      if (isUnavailable(error)) secondLook.whenDecided();
      throw error;
    }
  }

  function held(): SubscriptionRecord {
    if (record !== null) return record;
    throw ApplicationFailure.nonRetryable(`there is no subscription ${input.subscription_id}`, 'not_found');
  }

  function lives(): boolean {
    return record !== null && !isFinal(record.subscription.status);
  }

  function adopt(next: SubscriptionRecord): SubscriptionRecord {
    showSubscription(record, next);
    record = next;
    return next;
  }

  function takeFirstPaymentTold(): boolean {
    const told = firstPaymentTold;
    firstPaymentTold = false;
    return told;
  }
}

/** @returns false when only the time has come to look at the row */
async function somethingToDo(spokenTo: () => boolean, lookInMs: number | null): Promise<boolean> {
  if (lookInMs !== null) return condition(spokenTo, lookInMs);
  await condition(() => spokenTo() || mayContinueAsNew());
  return true;
}

/** Between messages only: what a handler still holds would be lost with the run. */
function mayContinueAsNew(): boolean {
  return workflowInfo().continueAsNewSuggested && allHandlersFinished();
}

/** Decides by the row, commits, and decides again when the row had changed meanwhile. */
async function cancelNow(record: SubscriptionRecord, command: CancelCommand): Promise<SubscriptionRecord> {
  let current = record;
  for (;;) {
    const { subscription: row } = current;
    const decision = decideCancelNow(row);
    if (decision.kind === 'unchanged') return current;
    if (decision.kind === 'refused') {
      throw ApplicationFailure.create({
        message: `The subscription is ${row.status}; nothing can be cancelled.`,
        type: 'subscription_final',
        nonRetryable: true,
      });
    }
    const committed = await firstStep((step) => step.commitCancellation(row.id, row.version, command));
    if (committed.kind === 'committed') return committed.record;
    current = committed.record;
  }
}

/** A refusal is the answer to whoever waits; anything else is a fault of this code and must stay visible. */
function refusalOf(error: unknown): ApplicationFailure {
  if (error instanceof ApplicationFailure) return error;
  throw error;
}
