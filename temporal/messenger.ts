/** Starts and wakes workflows for activities and consumers. Started already is success; receivers judge by the row. */
import { createHash } from 'node:crypto';
import type {
  FollowUpTimes,
  ClockAdvanced,
  DunningExhausted,
  DunningStarted,
  FirstPaymentSettled,
  PaymentCompleted,
} from '../contracts/workflows/commands';
import type { RetryReason } from '../contracts/workflows/messages';
import {
  bulkRetryStart,
  messages,
  paymentStart,
  paymentWorkflowId,
  retryStart,
  retryWorkflowId,
  subscriptionStart,
  subscriptionWorkflowId,
} from '../contracts/workflows/workflows';
import type { ReadEvent } from '../contracts/topics/envelope';
import type { EventTopic } from '../contracts/topics/events';
import type { Signal, WorkflowClient } from './client';

export type Messenger = ReturnType<typeof createMessenger>;

/** The record that messages follow from: a repeat of it signals nothing twice. */
export type MessageCause = Pick<ReadEvent<EventTopic>, 'id' | 'trace'>;

/**
 * @param times of the payments that are started here
 * @param cause left out: no record, so every signal arrives, and the rows have the trace
 */
export function createMessenger(client: WorkflowClient, times: FollowUpTimes, cause?: MessageCause) {
  // A workflow may get several messages of one event, each once.
  const signalOf = (name: string, payload?: object): Signal => ({
    name,
    args: payload === undefined && cause === undefined ? [] : [{ ...payload, ...cause?.trace }],
    ...(cause === undefined ? {} : { eventId: requestIdOf(`${cause.id}/${name}`) }),
  });
  const signalSubscription = (id: string, name: string, payload: object): Promise<void> =>
    client.signalWithStart(
      subscriptionStart({ subscription_id: id, creation: null }),
      signalOf(name, payload),
    );
  const signalPayment = (id: string, name: string, payload?: object): Promise<void> =>
    client.signalWithStart(paymentStart(id, times, cause?.trace), signalOf(name, payload));
  return {
    /** Has a subscription do what was left half done; starts its process when there is none. */
    repairSubscription: (subscriptionId: string): Promise<void> =>
      signalSubscription(subscriptionId, messages.look, { repair: true }),
    /** Has the process of a subscription read its row again, if it runs. */
    async look(subscriptionId: string): Promise<void> {
      await client.signalIfRunning(subscriptionWorkflowId(subscriptionId), signalOf(messages.look));
    },
    /** Reports to a subscription that a payment it waits for is settled. */
    signalPaid: (subscriptionId: string, paid: PaymentCompleted): Promise<void> =>
      signalSubscription(subscriptionId, messages.paymentCompleted, paid),
    /** Reports to a subscription that the dunning of a period began. */
    signalDunningStarted: (subscriptionId: string, started: DunningStarted): Promise<void> =>
      signalSubscription(subscriptionId, messages.dunningStarted, started),
    /** Reports to a subscription that the dunning of a period was given up. */
    signalDunningExhausted: (subscriptionId: string, exhausted: DunningExhausted): Promise<void> =>
      signalSubscription(subscriptionId, messages.dunningExhausted, exhausted),
    /** Reports to a subscription that its first payment is settled; starts its process when there is none. */
    signalFirstPaymentSettled: (subscriptionId: string, settled: FirstPaymentSettled): Promise<void> =>
      signalSubscription(subscriptionId, messages.firstPaymentSettled, settled),
    /** Wakes `retry/{id}`; starts it when it does not run. */
    startRetry: (paymentId: string, why: RetryReason): Promise<void> =>
      client.signalWithStart(retryStart(paymentId), signalOf(messages[why])),
    /** Wakes `retry/{id}`, if it runs: what it waits for may have come. */
    async wakeRetry(paymentId: string, why: 'settled'): Promise<void> {
      await client.signalIfRunning(retryWorkflowId(paymentId), signalOf(messages[why]));
    },
    /** Requests the cancellation of a payment; its process decides by the row. */
    cancel: (paymentId: string, reason: string): Promise<void> =>
      signalPayment(paymentId, messages.cancel, { reason }),
    /** Reports to `payment/{id}` what its customer's test clock shows; starts it when there is none. */
    clockAdvanced: (paymentId: string, advanced: ClockAdvanced): Promise<void> =>
      signalPayment(paymentId, messages.clockAdvanced, advanced),
    /** Has `payment/{id}` read its row again, which another one wrote; starts it when it does not run. */
    refreshPayment: (paymentId: string): Promise<void> => signalPayment(paymentId, messages.settled),
    /** Has `payment/{id}` read its row again, if it runs. */
    async refreshRunningPayment(paymentId: string): Promise<void> {
      await client.signalIfRunning(paymentWorkflowId(paymentId), signalOf(messages.settled));
    },
    /** Starts `payment/{id}` unless it runs. */
    start: (paymentId: string): Promise<void> => client.start(paymentStart(paymentId, times, cause?.trace)),
    /** Starts `bulk-retry/{id}` unless it runs. */
    startBulkRetry: (bulkRetryId: string): Promise<void> => client.start(bulkRetryStart(bulkRetryId)),
  };
}

/** Temporal refuses request ids over 1,000 characters, and the ids of other producers' events have no bound. */
const longestRequestId = 200;

function requestIdOf(id: string): string {
  return id.length <= longestRequestId ? id : createHash('sha256').update(id, 'utf8').digest('hex');
}
