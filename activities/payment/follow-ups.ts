/** Starting and waking other workflows from activities. Started already is success; receivers judge by the row. */
import type { Client } from '@temporalio/client';
import type { FirstPaymentSettled } from '../../contracts/commands';
import { messages, paymentStart, subscriptionStart } from '../../contracts/workflows';

export interface FollowUps {
  /** Starts `payment/{id}`, or leaves the one alone that runs. */
  start(paymentId: string): Promise<void>;
  /** Tells a subscription that its first payment is settled; starts its process when there is none. */
  tellSubscription(subscriptionId: string, settled: FirstPaymentSettled): Promise<void>;
}

export function createFollowUps(client: Client, incompleteHours: number): FollowUps {
  return {
    async start(paymentId) {
      const { workflowType, ...options } = paymentStart(paymentId, incompleteHours);
      await client.workflow.start(workflowType, {
        ...options,
        workflowIdReusePolicy: 'ALLOW_DUPLICATE',
        workflowIdConflictPolicy: 'USE_EXISTING',
      });
    },
    async tellSubscription(subscriptionId, settled) {
      const { workflowType, ...options } = subscriptionStart({
        subscription_id: subscriptionId,
        creation: null,
      });
      await client.workflow.signalWithStart(workflowType, {
        ...options,
        workflowIdReusePolicy: 'ALLOW_DUPLICATE',
        signal: messages.firstPaymentSettled,
        signalArgs: [settled],
      });
    },
  };
}
