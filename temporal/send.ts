/** Sends the messages that a function of billing returned. Called after its transaction has committed. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from 'pino';
import type { WorkflowMessage } from '../contracts/workflows/messages';
import type { Messenger } from './messenger';

/** Messages that are in flight at once. */
const concurrency = 10;

/**
 * Sends messages, several at once and in no fixed order. Ends with the first that could not be sent.
 * @param onSent called after each message, for heartbeats
 */
export async function sendMessages(
  messenger: Messenger,
  messages: readonly WorkflowMessage[],
  onSent: () => void = () => undefined,
): Promise<void> {
  const unsent = messages.toReversed();
  const lane = async (): Promise<void> => {
    for (let message = unsent.pop(); message !== undefined; message = unsent.pop()) {
      await send(messenger, message);
      onSent();
    }
  };
  await Promise.all(Array.from({ length: Math.min(concurrency, messages.length) }, lane));
}

/** Sends what follows from a commit; what cannot be sent is logged. */
export type SendAfterCommit = (messages: readonly WorkflowMessage[]) => Promise<void>;

/** The commit stands; its caller waits no longer than this for what follows from it. */
const afterCommitWithinMs = 2_000;

/** Makes {@link SendAfterCommit} of the API. */
export function sendAfterCommit(messenger: Messenger, log: Logger): SendAfterCommit {
  return async (messages) => {
    if (messages.length === 0) return;
    const sending = sendMessages(messenger, messages).catch((error: unknown) => {
      log.warn({ reason: String(error), messages: messages.length }, 'messages not sent');
    });
    await Promise.race([sending, sleep(afterCommitWithinMs, undefined, { ref: false })]);
  };
}

/** Sends messages one after the other. Ends with the first that could not be sent. */
export async function sendInOrder(messenger: Messenger, messages: readonly WorkflowMessage[]): Promise<void> {
  for (const message of messages) await send(messenger, message);
}

function send(messenger: Messenger, message: WorkflowMessage): Promise<void> {
  switch (message.kind) {
    case 'repair_subscription':
      return messenger.repairSubscription(message.subscription_id);
    case 'look':
      return messenger.look(message.subscription_id);
    case 'payment_completed':
      return messenger.signalPaid(message.subscription_id, message.payload);
    case 'first_payment_settled':
      return messenger.signalFirstPaymentSettled(message.subscription_id, message.payload);
    case 'dunning_started':
      return messenger.signalDunningStarted(message.subscription_id, message.payload);
    case 'start_payment':
      return messenger.start(message.payment_id);
    case 'refresh_payment':
      return messenger.refreshPayment(message.payment_id);
    case 'refresh_running_payment':
      return messenger.refreshRunningPayment(message.payment_id);
    case 'cancel_payment':
      return messenger.cancel(message.payment_id, message.reason);
    case 'advance_payment_clock':
      return messenger.clockAdvanced(message.payment_id, message.payload);
    case 'start_retry':
      return messenger.startRetry(message.payment_id, message.reason);
    case 'wake_retry':
      return messenger.wakeRetry(message.payment_id, message.reason);
    case 'start_bulk_retry':
      return messenger.startBulkRetry(message.bulk_retry_id);
  }
}
