/**
 * Where services find each other's workflows: names, ids, task queues, and how each is started.
 *
 * Plain data, so that the API, the bridge and the activities start the same thing in the same way. No personal data
 * in ids, memos or search attributes: they are readable in the Web UI.
 */
import type {
  BulkRetryInput,
  FollowUpTimes,
  PaymentInput,
  RenewalRunInput,
  RenewalSchedulerInput,
  RetryInput,
  SubscriptionInput,
  TestClockInput,
  Traced,
} from './commands';

export const taskQueues = {
  subscription: 'subscription-service',
  payment: 'payment-service',
  retry: 'retry-service',
  renewals: 'renewals',
} as const;

/** Search attributes that `bin/migrate` registers. */
export const searchAttributes = {
  SubscriptionId: 'Keyword',
  CustomerId: 'Keyword',
  PaymentId: 'Keyword',
  BillingStatus: 'Keyword',
} as const;

/** Names of messages, as senders outside the workflow's code need them. */
export const messages = {
  awaitCreated: 'awaitCreated',
  cancel: 'cancel',
  pause: 'pause',
  resume: 'resume',
  look: 'look',
  paymentCompleted: 'paymentCompleted',
  dunningStarted: 'dunningStarted',
  dunningExhausted: 'dunningExhausted',
  firstPaymentSettled: 'firstPaymentSettled',
  settled: 'settled',
  failed: 'failed',
  manualRetry: 'manualRetry',
  release: 'release',
  paymentMethodChanged: 'paymentMethodChanged',
  refund: 'refund',
  advance: 'advance',
  clockAdvanced: 'clockAdvanced',
} as const;

export interface WorkflowStart<Input> {
  workflowType: string;
  workflowId: string;
  taskQueue: string;
  args: [Input];
  /** Shown in the Web UI, and named by refusals. */
  summary: string;
}

/** The process of a subscription. */
export function subscriptionStart(input: SubscriptionInput): WorkflowStart<SubscriptionInput> {
  return {
    workflowType: 'subscription',
    workflowId: subscriptionWorkflowId(input.subscription_id),
    taskQueue: taskQueues.subscription,
    args: [input],
    summary: `Subscription ${input.subscription_id}`,
  };
}

/** The follow-up of a payment. @param trace of the record that it is started for, if there is one */
export function paymentStart(
  paymentId: string,
  times: FollowUpTimes,
  trace: Traced = {},
): WorkflowStart<PaymentInput> {
  return {
    workflowType: 'payment',
    workflowId: paymentWorkflowId(paymentId),
    taskQueue: taskQueues.payment,
    args: [
      {
        payment_id: paymentId,
        incomplete_hours: times.incompleteHours,
        first_lookup_seconds: times.firstLookupSeconds,
        ...trace,
      },
    ],
    summary: `Payment ${paymentId}`,
  };
}

/** The collection of a failed payment. */
export function retryStart(paymentId: string): WorkflowStart<RetryInput> {
  return {
    workflowType: 'retry',
    workflowId: retryWorkflowId(paymentId),
    taskQueue: taskQueues.retry,
    args: [{ payment_id: paymentId }],
    summary: `Retry of payment ${paymentId}`,
  };
}

export function retryWorkflowId(paymentId: string): string {
  return `retry/${paymentId}`;
}

/** The scheduler of one shard of the subscriptions. */
export function renewalSchedulerStart(shard: number): WorkflowStart<RenewalSchedulerInput> {
  return {
    workflowType: 'renewalScheduler',
    workflowId: `renewal-scheduler/${shard}`,
    taskQueue: taskQueues.retry,
    args: [{ shard }],
    summary: `Renewal scheduler, shard ${shard}`,
  };
}

/** A renewal run. Its id follows from the records of its members, so that a repeat of them is no second run. */
export function renewalRunStart(input: RenewalRunInput): WorkflowStart<RenewalRunInput> {
  return {
    workflowType: 'renewalRun',
    workflowId: `renewal-run/${input.run_id}`,
    taskQueue: taskQueues.renewals,
    args: [input],
    summary: `Renewal run of ${input.members.length}`,
  };
}

/** One round of convergence; a schedule starts it. */
export const reconciliationStart = {
  workflowType: 'reconciliation',
  workflowId: 'reconciliation',
  taskQueue: taskQueues.payment,
  args: [] as [],
};

/** The advance of a test clock. */
export function testClockStart(clockId: string): WorkflowStart<TestClockInput> {
  return {
    workflowType: 'testClock',
    workflowId: `test-clock/${clockId}`,
    taskQueue: taskQueues.retry,
    args: [{ clock_id: clockId }],
    summary: `Test clock ${clockId}`,
  };
}

/** One run of a bulk retry. */
export function bulkRetryStart(bulkRetryId: string): WorkflowStart<BulkRetryInput> {
  return {
    workflowType: 'bulkRetry',
    workflowId: `bulk-retry/${bulkRetryId}`,
    taskQueue: taskQueues.retry,
    args: [{ bulk_retry_id: bulkRetryId }],
    summary: `Bulk retry ${bulkRetryId}`,
  };
}

export function subscriptionWorkflowId(subscriptionId: string): string {
  return `subscription/${subscriptionId}`;
}

export function paymentWorkflowId(paymentId: string): string {
  return `payment/${paymentId}`;
}
