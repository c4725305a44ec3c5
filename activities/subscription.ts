/** The Subscription Service's activities. Each is repeatable: it continues with what an earlier execution wrote. */
import { ApplicationFailure } from '@temporalio/activity';
import type {
  CancelCommand,
  ChangeCommand,
  DunningExhausted,
  DunningStarted,
  PauseCommand,
  ResumeCommand,
  SubscriptionCreation,
} from '../contracts/workflows/commands';
import type { AttemptDependencies } from '../billing/payment/attempt';
import type { Messenger } from '../temporal/messenger';
import { sendMessages } from '../temporal/send';
import { CreationRefused } from '../billing/subscription/begin';
import type { Committed } from '../billing/subscription/transition';
import { applyPayment } from '../billing/subscription/apply-payment';
import { commitChange, type BegunChange } from '../billing/subscription/commit-change';
import { concludeChange, type ConcludedChange } from '../billing/subscription/conclude-change';
import { recordDunningExhausted, recordDunningStarted } from '../billing/subscription/dunning';
import { attachTexts } from '../billing/command-texts';
import { commitCancellation, commitPause, commitResumption } from '../billing/subscription/commands';
import { adoptSubscription, createSubscription, type Creation } from '../billing/subscription/create';
import { applyFirstPayment } from '../billing/subscription/first-payment';
import { wakeAfterPause, wakeForNewMethod } from '../billing/payment/wake-retries';
import { loadRecord, type SubscriptionRecord } from '../billing/subscription/record';

export type { Creation } from '../billing/subscription/create';
export type { HeldSubscription, SubscriptionRecord } from '../billing/subscription/record';
export type { Committed } from '../billing/subscription/transition';

/** Those that change what is charged, or end a pause, wake the retries of payments that failed. */
export interface SubscriptionActivities {
  /** Creates a subscription, from its first row to the conclusion, the first payment's call included. */
  createSubscription(creation: SubscriptionCreation): Promise<Creation>;
  /** Loads a subscription, and resumes a creation that was interrupted. */
  adoptSubscription(subscriptionId: string): Promise<Creation>;
  /** Null when there is no such row. */
  loadSubscription(subscriptionId: string): Promise<SubscriptionRecord | null>;
  /** Applies the first payment, settled or not. */
  applyFirstPayment(subscriptionId: string): Promise<SubscriptionRecord>;
  /** Applies a payment, if it is settled. */
  applyPayment(subscriptionId: string, paymentId: string): Promise<SubscriptionRecord>;
  commitCancellation(subscriptionId: string, command: CancelCommand): Promise<Committed>;
  commitPause(subscriptionId: string, command: PauseCommand): Promise<Committed>;
  commitResumption(subscriptionId: string, command: ResumeCommand): Promise<Committed>;
  commitChange(subscriptionId: string, command: ChangeCommand): Promise<BegunChange>;
  /** Concludes a change whose charge was attempted. @param refused the attempt was not even begun */
  concludeChange(subscriptionId: string, paymentId: string, refused: boolean): Promise<ConcludedChange>;
  recordDunningStarted(subscriptionId: string, message: DunningStarted): Promise<SubscriptionRecord>;
  recordDunningExhausted(subscriptionId: string, message: DunningExhausted): Promise<SubscriptionRecord>;
  /** Starts `payment/{id}` for an attempt without a clear answer, or leaves the one alone that runs. */
  startFollowUp(paymentId: string): Promise<void>;
}

export function createSubscriptionActivities(
  deps: AttemptDependencies & { messenger: Messenger },
): SubscriptionActivities {
  const { db, messenger } = deps;
  const sendForNewMethod = async (id: string): Promise<void> =>
    sendMessages(messenger, await wakeForNewMethod(db, { subscription_id: id }));
  return {
    createSubscription: async (creation) => mapped(createSubscription(deps, await attachTexts(db, creation))),
    adoptSubscription: (id) => adoptSubscription(deps, id),
    loadSubscription: (id) => loadRecord(db, id),
    applyFirstPayment: (id) => applyFirstPayment(db, id),
    async applyPayment(id, paymentId) {
      const record = await applyPayment(deps, id, paymentId);
      // A change that was paid may name another method.
      await sendForNewMethod(id);
      return record;
    },
    commitCancellation: async (id, command) => commitCancellation(deps, id, await attachTexts(db, command)),
    commitPause: async (id, command) => commitPause(deps, id, await attachTexts(db, command)),
    async commitResumption(id, command) {
      const committed = await commitResumption(deps, id, await attachTexts(db, command));
      if (committed.kind === 'committed') await sendMessages(messenger, await wakeAfterPause(db, id));
      return committed;
    },
    async commitChange(id, command) {
      const begun = await commitChange(deps, id, await attachTexts(db, command));
      if (command.payment_method_id !== null) await sendForNewMethod(id);
      return begun;
    },
    async concludeChange(id, paymentId, refused) {
      const { concluded, messages } = await concludeChange(deps, id, paymentId, refused);
      await sendMessages(messenger, messages);
      await sendForNewMethod(id);
      return concluded;
    },
    recordDunningStarted: (id, message) => recordDunningStarted(deps, id, message),
    recordDunningExhausted: (id, message) => recordDunningExhausted(deps, id, message),
    startFollowUp: (paymentId) => messenger.start(paymentId),
  };
}

/** Maps a refusal of billing to a failure that Temporal does not retry. */
async function mapped<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    if (error instanceof CreationRefused) {
      throw ApplicationFailure.nonRetryable(error.message, 'validation_failed');
    }
    throw error;
  }
}
