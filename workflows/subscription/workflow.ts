/**
 * The process of one subscription, from its creation to its end.
 *
 * The row is the record: this workflow takes the messages one at a time, and every step decides by the locked row.
 * Invariants: a message is answered by what stands in the database; nothing is decided by the clock of a worker; a
 * sleeping subscription waits for messages only, without a timer; before the run ends every message has its answer.
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
import type {
  CancelCommand,
  ChangeCommand,
  DunningExhausted,
  DunningStarted,
  CreationResult,
  FirstPaymentSettled,
  PauseCommand,
  PaymentCompleted,
  RenewRequired,
  ResumeCommand,
  SubscriptionInput,
} from '../../contracts/workflows/commands';
import type { Subscription } from '../../contracts/http/subscriptions';
import { createMessageQueue, type MessageQueue } from '../message-queue';
import { createOrAdopt } from './creation';
import { createSubscriptionProcess, type SubscriptionProcess } from './process';

/** Answers when the creation is concluded; the row says how. */
export const awaitCreated = defineUpdate<CreationResult>('awaitCreated');
/** Commands: each answers the subscription, or is refused with a code of the error table. */
export const cancel = defineUpdate<Subscription, [CancelCommand]>('cancel');
export const change = defineUpdate<Subscription, [ChangeCommand]>('change');
export const pause = defineUpdate<Subscription, [PauseCommand]>('pause');
export const resume = defineUpdate<Subscription, [ResumeCommand]>('resume');
/** Something may be due. */
export const renewRequired = defineSignal<[RenewRequired]>('renewRequired');
/** A payment of a period is completed. */
export const paymentCompleted = defineSignal<[PaymentCompleted]>('paymentCompleted');
/** The first payment, or that of a change, which stayed open, has its outcome. */
export const firstPaymentSettled = defineSignal<[FirstPaymentSettled]>('firstPaymentSettled');
/** A period's payment failed and is tried again. */
export const dunningStarted = defineSignal<[DunningStarted]>('dunningStarted');
/** Nothing more is tried. */
export const dunningExhausted = defineSignal<[DunningExhausted]>('dunningExhausted');

export async function subscription(input: SubscriptionInput): Promise<void> {
  const queue = createMessageQueue();
  const process = createSubscriptionProcess(input.subscription_id, queue);
  let creation: Promise<CreationResult> | undefined;
  const created = () => (creation ??= concludeCreation(input, process));
  setHandler(awaitCreated, created);
  listen(process, queue);

  // A refusal is the answer to whoever waits.
  await created().catch(throwUnlessRefusal);
  if (input.creation === null) queue.enqueue(process.resume);

  while (process.lives()) {
    await somethingToDo(queue);
    if (queue.hasWork() || queue.waitMs() !== null) await queue.takeOne();
    else if (allHandlersFinished()) await continueAsNew<typeof subscription>({ ...input, creation: null });
  }
  // Whoever asks while the run is ending is answered, too: by the final row.
  do {
    while (queue.hasWork()) await queue.takeOne();
    await condition(() => queue.hasWork() || allHandlersFinished());
  } while (queue.hasWork());
}

/** Done once, for whoever asks first: a caller, or the run itself. @throws what creating it refuses for good */
async function concludeCreation(
  input: SubscriptionInput,
  process: SubscriptionProcess,
): Promise<CreationResult> {
  const found = await createOrAdopt(input, process.hasOutcome);
  if (found === null) return 'too_late';
  process.adopt(found);
  return 'concluded';
}

/** Every message goes into the queue; its turn comes in the main function. */
function listen(process: SubscriptionProcess, queue: MessageQueue): void {
  const early = { validator: (_command: unknown) => process.refuseIfEnded() };
  setHandler(cancel, (command) => process.ask((step, id) => step.commitCancellation(id, command)));
  setHandler(pause, (command) => process.ask((step, id) => step.commitPause(id, command)), early);
  setHandler(resume, (command) => process.requestResumption(command), early);
  setHandler(change, (command) => process.requestChange(command), early);
  setHandler(renewRequired, () => queue.enqueue(process.renew));
  setHandler(paymentCompleted, ({ payment_id: paymentId }) => queue.enqueue(() => process.settle(paymentId)));
  setHandler(firstPaymentSettled, ({ payment_id: paymentId }) => {
    process.recordOutcome(paymentId);
    queue.enqueue(() => process.settle(paymentId));
  });
  setHandler(dunningStarted, (settled) =>
    queue.enqueue(() => process.note((step, id) => step.recordDunningStarted(id, settled))),
  );
  setHandler(dunningExhausted, (settled) =>
    queue.enqueue(() => process.note((step, id) => step.recordDunningExhausted(id, settled))),
  );
}

/** Resolves when there is a message, when one that waited may be taken, or when the run had better begin anew. */
function somethingToDo(queue: MessageQueue): Promise<unknown> {
  const waitMs = queue.waitMs();
  if (waitMs !== null) return condition(queue.hasWork, waitMs);
  return condition(() => queue.hasWork() || mayContinueAsNew());
}

/** Between messages only: what a handler still holds would be lost with the run. */
function mayContinueAsNew(): boolean {
  return workflowInfo().continueAsNewSuggested && allHandlersFinished();
}

/** Anything but a refusal is a fault of this code and must stay visible. */
function throwUnlessRefusal(error: unknown): void {
  if (!(error instanceof ApplicationFailure)) throw error;
}
