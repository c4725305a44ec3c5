/** Names by which services find each other's workflows, and the task queues that carry them. */

export const taskQueues = {
  subscription: 'subscription-service',
  payment: 'payment-service',
  retry: 'retry-service',
} as const;

/** Workflow id of a subscription's process. */
export function subscriptionWorkflowId(subscriptionId: string): string {
  return `subscription/${subscriptionId}`;
}

/** Workflow id of the follow-up of a payment. */
export function paymentWorkflowId(paymentId: string): string {
  return `payment/${paymentId}`;
}
