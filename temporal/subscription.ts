/**
 * The process of a subscription, reached over Temporal.
 *
 * Invariant: an update id carries the request, so that a stored `unavailable` is never the answer to a later try.
 */
import { WorkflowNotFoundError, type Client } from '@temporalio/client';
import type { Logger } from 'pino';
import type { CreationResult, SubscriptionInput } from '../contracts/workflows/commands';
import { messages, subscriptionStart, subscriptionWorkflowId } from '../contracts/workflows/workflows';
import { updateWorkflow, type UpdateRequest } from './ask-workflow';
import type { SubscriptionProcess } from './subscription-process';

/** The caller has its answer already; it waits no longer than this for what is done beside it. */
const wakeWithinMs = 2_000;

export function temporalSubscriptionProcess(client: Client, log: Logger): SubscriptionProcess {
  const ask = <T>(input: SubscriptionInput, update: UpdateRequest['update']): Promise<T> =>
    updateWorkflow<T>(client, log, {
      start: subscriptionStart(input),
      summary: `Subscription ${input.subscription_id}`,
      update,
      about: { subscription_id: input.subscription_id },
    });

  return {
    create: (creation, requestId) =>
      ask<CreationResult>(
        { subscription_id: creation.subscription_id, creation },
        { name: messages.awaitCreated, id: `${creation.command_id}/${requestId}`, args: [] },
      ),
    async command(subscriptionId, name, command, requestId) {
      await ask(
        { subscription_id: subscriptionId, creation: null },
        { name, id: `${command.command_id}/${requestId}`, args: [command] },
      );
    },
    async wake(subscriptionId) {
      const handle = client.workflow.getHandle(subscriptionWorkflowId(subscriptionId));
      try {
        await client.withDeadline(Date.now() + wakeWithinMs, () => handle.signal(messages.renewRequired, {}));
      } catch (error) {
        if (error instanceof WorkflowNotFoundError) return;
        log.warn({ reason: String(error), subscription_id: subscriptionId }, 'signal not delivered');
      }
    },
  };
}
