/** Starting and waking other workflows from activities. Started already is success; receivers judge by the row. */
import type { Client } from '@temporalio/client';
import type { FirstPaymentSettled, PaymentCompleted } from '../../contracts/commands';
import { messages, paymentStart, subscriptionStart } from '../../contracts/workflows';

export interface FollowUps {
  /** Has a subscription do what is due or was left half done; starts its process when there is none. */
  wakeSubscription(subscriptionId: string): Promise<void>;
  /** Tells a subscription that a payment it waits for is settled. */
  tellPaid(subscriptionId: string, paid: PaymentCompleted): Promise<void>;
  /** Wishes a payment away; its process decides by the row. */
  cancel(paymentId: string, reason: string): Promise<void>;
  /** Has `payment/{id}` look at its row, which somebody else wrote; starts it when it does not run. */
  look(paymentId: string): Promise<void>;
  /** Starts `payment/{id}`, or leaves the one alone that runs. */
  start(paymentId: string): Promise<void>;
  /** Tells a subscription that its first payment is settled; starts its process when there is none. */
  tellSubscription(subscriptionId: string, settled: FirstPaymentSettled): Promise<void>;
}

export function createFollowUps(client: Client, incompleteHours: number): FollowUps {
  const tell = async (subscriptionId: string, signal: string, told: object): Promise<void> => {
    const { workflowType, ...options } = subscriptionStart({
      subscription_id: subscriptionId,
      creation: null,
    });
    await client.workflow.signalWithStart(workflowType, {
      ...options,
      workflowIdReusePolicy: 'ALLOW_DUPLICATE',
      signal,
      signalArgs: [told],
    });
  };
  return {
    wakeSubscription: (id) => tell(id, messages.renewRequired, {}),
    tellPaid: (id, paid) => tell(id, messages.paymentCompleted, paid),
    tellSubscription: (id, settled) => tell(id, messages.firstPaymentSettled, settled),
    async cancel(paymentId, reason) {
      const { workflowType, ...options } = paymentStart(paymentId, incompleteHours);
      await client.workflow.signalWithStart(workflowType, {
        ...options,
        workflowIdReusePolicy: 'ALLOW_DUPLICATE',
        signal: messages.cancel,
        signalArgs: [{ reason }],
      });
    },
    async look(paymentId) {
      const { workflowType, ...options } = paymentStart(paymentId, incompleteHours);
      await client.workflow.signalWithStart(workflowType, {
        ...options,
        workflowIdReusePolicy: 'ALLOW_DUPLICATE',
        signal: messages.settled,
        signalArgs: [],
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
