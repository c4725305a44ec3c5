/** Starting and waking other workflows from activities. Started already is success; receivers judge by the row. */
import { WorkflowNotFoundError, type Client } from '@temporalio/client';
import type {
  ClockAdvanced,
  DunningExhausted,
  DunningStarted,
  FirstPaymentSettled,
  PaymentCompleted,
} from '../contracts/workflows/commands';
import {
  bulkRetryStart,
  messages,
  paymentStart,
  retryStart,
  retryWorkflowId,
  subscriptionStart,
} from '../contracts/workflows/workflows';

export interface Messenger {
  /** Has a subscription do what is due or was left half done; starts its process when there is none. */
  wakeSubscription(subscriptionId: string): Promise<void>;
  /** Tells a subscription that a payment it waits for is settled. */
  signalPaid(subscriptionId: string, paid: PaymentCompleted): Promise<void>;
  /** The collection of a period began, or was given up. */
  signalDunningStarted(subscriptionId: string, args_: DunningStarted): Promise<void>;
  signalDunningExhausted(subscriptionId: string, args_: DunningExhausted): Promise<void>;
  /** Wakes `retry/{id}`; starts it when it does not run. */
  startRetry(paymentId: string, why: 'failed' | 'manualRetry' | 'clockAdvanced'): Promise<void>;
  /** Wakes `retry/{id}`, if it runs: what it waits for may have come. */
  wakeRetry(paymentId: string, why: 'settled' | 'release' | 'paymentMethodChanged'): Promise<void>;
  /** Wishes a payment away; its process decides by the row. */
  cancel(paymentId: string, reason: string): Promise<void>;
  /** Has `payment/{id}` look at its row, which somebody else wrote; starts it when it does not run. */
  refreshPayment(paymentId: string): Promise<void>;
  /** Starts `payment/{id}`, or leaves the one alone that runs. */
  start(paymentId: string): Promise<void>;
  /** Starts `bulk-retry/{id}`, or leaves the one alone that runs. */
  startBulkRetry(bulkRetryId: string): Promise<void>;
  /** Tells `payment/{id}` what its customer's test clock says; starts it when there is none. */
  clockAdvanced(paymentId: string, advanced: ClockAdvanced): Promise<void>;
  /** Tells a subscription that its first payment is settled; starts its process when there is none. */
  signalFirstPaymentSettled(subscriptionId: string, settled: FirstPaymentSettled): Promise<void>;
}

export function createMessenger(client: Client, incompleteHours: number): Messenger {
  const signal = async (subscriptionId: string, signal: string, args_: object): Promise<void> => {
    const { workflowType, ...options } = subscriptionStart({
      subscription_id: subscriptionId,
      creation: null,
    });
    await client.workflow.signalWithStart(workflowType, {
      ...options,
      workflowIdReusePolicy: 'ALLOW_DUPLICATE',
      signal,
      signalArgs: [args_],
    });
  };
  const signalPayment = async (paymentId: string, signal: string, ...args_: object[]): Promise<void> => {
    const { workflowType, ...options } = paymentStart(paymentId, incompleteHours);
    await client.workflow.signalWithStart(workflowType, {
      ...options,
      workflowIdReusePolicy: 'ALLOW_DUPLICATE',
      signal,
      signalArgs: args_,
    });
  };
  return {
    wakeSubscription: (id) => signal(id, messages.renewRequired, {}),
    signalPaid: (id, paid) => signal(id, messages.paymentCompleted, paid),
    signalDunningStarted: (id, args_) => signal(id, messages.dunningStarted, args_),
    signalDunningExhausted: (id, args_) => signal(id, messages.dunningExhausted, args_),
    async startRetry(paymentId, why) {
      const { workflowType, ...options } = retryStart(paymentId);
      await client.workflow.signalWithStart(workflowType, {
        ...options,
        workflowIdReusePolicy: 'ALLOW_DUPLICATE',
        signal: messages[why],
        signalArgs: [],
      });
    },
    async wakeRetry(paymentId, why) {
      try {
        await client.workflow.getHandle(retryWorkflowId(paymentId)).signal(messages[why]);
      } catch (error) {
        if (!(error instanceof WorkflowNotFoundError)) throw error;
      }
    },
    signalFirstPaymentSettled: (id, settled) => signal(id, messages.firstPaymentSettled, settled),
    cancel: (id, reason) => signalPayment(id, messages.cancel, { reason }),
    clockAdvanced: (id, advanced) => signalPayment(id, messages.clockAdvanced, advanced),
    refreshPayment: (id) => signalPayment(id, messages.settled),
    async startBulkRetry(bulkRetryId) {
      const { workflowType, ...options } = bulkRetryStart(bulkRetryId);
      await client.workflow.start(workflowType, {
        ...options,
        workflowIdReusePolicy: 'ALLOW_DUPLICATE',
        workflowIdConflictPolicy: 'USE_EXISTING',
        staticSummary: `Bulk retry ${bulkRetryId}`,
      });
    },
    async start(paymentId) {
      const { workflowType, ...options } = paymentStart(paymentId, incompleteHours);
      await client.workflow.start(workflowType, {
        ...options,
        workflowIdReusePolicy: 'ALLOW_DUPLICATE',
        workflowIdConflictPolicy: 'USE_EXISTING',
      });
    },
  };
}
