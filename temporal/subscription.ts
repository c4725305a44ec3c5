/**
 * The process of a subscription, as the API's routes use it.
 *
 * Invariant: an update id carries the request, so that a stored `unavailable` is never the answer to a later try.
 */
import type { Logger } from 'pino';
import type {
  CreationResult,
  SubscriptionCommands,
  SubscriptionCreation,
  SubscriptionInput,
} from '../contracts/workflows/commands';
import { messages, subscriptionStart, subscriptionWorkflowId } from '../contracts/workflows/workflows';
import type { Update, WorkflowClient } from './client';
import { requestUpdate, type Recovery } from './requests';

export type SubscriptionProcess = ReturnType<typeof subscriptionProcess>;

/** The caller has its answer already; it waits no longer than this for what is done beside it. */
const wakeWithinMs = 2_000;

export function subscriptionProcess(client: WorkflowClient, log: Logger) {
  const send = <Result>(input: SubscriptionInput, update: Update, recovery: Recovery): Promise<Result> => {
    const about = { subscription_id: input.subscription_id };
    return requestUpdate<Result>(client, log, subscriptionStart(input), update, about, recovery);
  };
  return {
    /**
     * Starts the process, or finds the one that runs, and waits until the creation is concluded (10 s and a margin).
     * The caller reads the row afterwards.
     * @throws ProblemError `unavailable` when Temporal or a worker does not answer in time; nothing is known then
     */
    create: (creation: SubscriptionCreation, requestId: string): Promise<CreationResult> =>
      send(
        { subscription_id: creation.subscription_id, creation },
        { name: messages.awaitCreated, id: `${creation.command_id}/${requestId}`, args: [] },
        'same_key',
      ),
    /**
     * Runs a command; when it returns, the row says so.
     * @param recovery what a caller can do who gets no answer
     * @throws ProblemError `unavailable`, `too_many_requests`, or what the process refuses
     */
    command: <Name extends keyof SubscriptionCommands>(
      subscriptionId: string,
      name: Name,
      command: SubscriptionCommands[Name],
      requestId: string,
      recovery: Recovery,
    ): Promise<void> =>
      send(
        { subscription_id: subscriptionId, creation: null },
        { name, id: `${command.command_id}/${requestId}`, args: [command] },
        recovery,
      ),
    /**
     * Has the process read its row again, if it runs: one whose worker was killed right after its commit may not know
     * that it has ended. Nothing depends on it; a failure is logged.
     */
    async wake(subscriptionId: string): Promise<void> {
      const signal = { name: messages.look, args: [{}] };
      try {
        await client.signalIfRunning(subscriptionWorkflowId(subscriptionId), signal, {
          withinMs: wakeWithinMs,
        });
      } catch (error) {
        log.warn({ reason: String(error), subscription_id: subscriptionId }, 'signal not delivered');
      }
    },
  };
}
