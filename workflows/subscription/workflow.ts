/**
 * The process of one subscription, from its creation to its end.
 *
 * Invariants:
 * - The row is the record: messages are processed one at a time, and every step decides by the locked row.
 * - The clock of a worker decides nothing.
 * - A subscription that sleeps waits for messages only, without a timer.
 * - Every message is answered before the run ends.
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
  Look,
  ResumeCommand,
  SubscriptionInput,
} from '../../contracts/workflows/commands';
import type { HeldSubscription } from '../../activities/subscription';
import { createMessageQueue, type MessageQueue } from '../message-queue';
import { isUnavailable } from './activities';
import { createOrAdopt } from './creation';
import { createSubscriptionProcess, type SubscriptionProcess } from './process';

/** Answers when the creation is concluded; the row says how. */
export const awaitCreated = defineUpdate<CreationResult>('awaitCreated');
/** Commands: each answers the subscription, or is refused with a code of the error table. */
export const cancel = defineUpdate<HeldSubscription, [CancelCommand]>('cancel');
export const change = defineUpdate<HeldSubscription, [ChangeCommand]>('change');
export const pause = defineUpdate<HeldSubscription, [PauseCommand]>('pause');
export const resume = defineUpdate<HeldSubscription, [ResumeCommand]>('resume');
/** Another than the process has changed the row, or left it half done. */
export const look = defineSignal<[Look]>('look');
/** A payment of a period is completed. */
export const paymentCompleted = defineSignal<[PaymentCompleted]>('paymentCompleted');
/** The first payment, or that of a change, which stayed open, has its outcome. */
export const firstPaymentSettled = defineSignal<[FirstPaymentSettled]>('firstPaymentSettled');
/** A period's payment failed and is tried again. */
export const dunningStarted = defineSignal<[DunningStarted]>('dunningStarted');
/** Nothing more is tried. */
export const dunningExhausted = defineSignal<[DunningExhausted]>('dunningExhausted');

/** How long a creation waits that could not be concluded; longer each time. */
const repeatedAfterMs = 1_000;

export async function subscription(input: SubscriptionInput): Promise<void> {
  const queue = createMessageQueue();
  const process = createSubscriptionProcess(input.subscription_id, queue);
  const creation = createConclusion(input, process, queue);
  setHandler(awaitCreated, () => creation.outcome);
  handleMessages(process, queue);

  await creation.conclude();
  while (process.isLive() || creation.isPending()) {
    await untilWorkOrContinueAsNew(queue);
    // What is delayed follows from the rows: the next run finds it there.
    if (!queue.hasWork() && mayContinueAsNew())
      await continueAsNew<typeof subscription>({ ...input, creation: null });
    await queue.takeOne();
  }
  // Messages that arrive while the run ends are answered by the final row.
  do {
    while (queue.hasWork()) await queue.takeOne();
    await condition(() => queue.hasWork() || allHandlersFinished());
  } while (queue.hasWork());
}

interface Conclusion {
  /** Answers all who wait for the creation. Rejects with its refusal. */
  readonly outcome: Promise<CreationResult>;
  /** Concludes the creation, or later, in turn with the messages that arrive meanwhile. */
  conclude(): Promise<void>;
  isPending(): boolean;
}

function createConclusion(
  input: SubscriptionInput,
  process: SubscriptionProcess,
  queue: MessageQueue,
): Conclusion {
  let isPending = true;
  let answer: (result: CreationResult) => void;
  let refuse: (refusal: ApplicationFailure) => void;
  const outcome = new Promise<CreationResult>((resolve, reject) => {
    answer = resolve;
    refuse = reject;
  });
  // Nobody may wait for it.
  outcome.catch(() => undefined);

  /** @throws ApplicationFailure `unavailable`: it is to be repeated */
  async function attempt(): Promise<void> {
    try {
      const found = await createOrAdopt(input, process.hasOutcome);
      if (found !== null) process.adopt(found);
      answer(found === null ? 'too_late' : 'concluded');
    } catch (error) {
      // Anything but a refusal is a fault of this code and must stay visible.
      if (isUnavailable(error) || !(error instanceof ApplicationFailure)) throw error;
      refuse(error);
    }
    isPending = false;
    if (input.creation === null) queue.enqueue(process.resumeWork);
  }

  return {
    outcome,
    isPending: () => isPending,
    conclude: () =>
      attempt().catch((error: unknown) => {
        if (!isUnavailable(error)) throw error;
        queue.enqueueLater(attempt, repeatedAfterMs);
      }),
  };
}

/** Puts every message into the queue; the main function takes it when its turn comes. */
function handleMessages(process: SubscriptionProcess, queue: MessageQueue): void {
  const early = { validator: (_command: unknown) => process.refuseIfEnded() };
  setHandler(cancel, (command) =>
    process.execute(command, (step, id) => step.commitCancellation(id, command)),
  );
  setHandler(
    pause,
    (command) => process.execute(command, (step, id) => step.commitPause(id, command)),
    early,
  );
  setHandler(resume, process.resume, early);
  setHandler(change, process.change, early);
  // Operators may send it without a payload.
  setHandler(look, (why?: Look | null) =>
    queue.enqueue(why?.repair === true ? process.repair : process.look),
  );
  setHandler(paymentCompleted, ({ payment_id: paymentId }) =>
    queue.enqueue(() => process.applyPayment(paymentId)),
  );
  setHandler(firstPaymentSettled, ({ payment_id: paymentId }) => {
    process.recordOutcome(paymentId);
    queue.enqueue(() => process.applyPayment(paymentId));
  });
  setHandler(dunningStarted, (message) =>
    queue.enqueue(() => process.record((step, id) => step.recordDunningStarted(id, message))),
  );
  setHandler(dunningExhausted, (message) =>
    queue.enqueue(() => process.record((step, id) => step.recordDunningExhausted(id, message))),
  );
}

/** Resolves when a message arrives, when delayed work may be taken, or when the run should continue as new. */
function untilWorkOrContinueAsNew(queue: MessageQueue): Promise<unknown> {
  const waitMs = queue.waitMs();
  if (waitMs !== null) return condition(queue.hasWork, waitMs);
  return condition(() => queue.hasWork() || mayContinueAsNew());
}

/** Only between messages: the work of a handler in progress would be lost with the run. */
function mayContinueAsNew(): boolean {
  return workflowInfo().continueAsNewSuggested && allHandlersFinished();
}
