/**
 * The process of a subscription, reached over Temporal.
 *
 * Owns: starting, asking, waiting no longer than a caller would, and naming refusals in the API's table. Invariant: an
 * update id carries the request, so that a stored `unavailable` is never the answer to a later try.
 */
import {
  isGrpcServiceError,
  WithStartWorkflowOperation,
  WorkflowUpdateFailedError,
  type Client,
  type Workflow,
} from '@temporalio/client';
import { ApplicationFailure } from '@temporalio/common';
import type { Logger } from 'pino';
import type { CreationResult, SubscriptionInput } from '../contracts/commands';
import { problems, type ProblemCode, type ProblemExtras } from '../contracts/problems';
import { messages, subscriptionStart } from '../contracts/workflows';
import { ProblemError, validationFailed } from './problems';
import type { SubscriptionProcess } from './subscription-process';

/** 10 s for the first payment's answer, and a margin for the steps around it. */
const answerWithinMs = 15_000;
const grpcResourceExhausted = 8;

export function temporalSubscriptionProcess(client: Client, log: Logger): SubscriptionProcess {
  async function ask<T>(
    input: SubscriptionInput,
    update: { name: string; id: string; args: unknown[] },
  ): Promise<T> {
    const { workflowType, ...options } = subscriptionStart(input);
    const start = new WithStartWorkflowOperation<Workflow>(workflowType, {
      ...options,
      workflowIdReusePolicy: 'ALLOW_DUPLICATE',
      workflowIdConflictPolicy: 'USE_EXISTING',
      staticSummary: `Subscription ${input.subscription_id}`,
    });
    try {
      return await client.withDeadline(Date.now() + answerWithinMs, () =>
        client.workflow.executeUpdateWithStart<Workflow, T, unknown[]>(update.name, {
          startWorkflowOperation: start,
          updateId: update.id,
          args: update.args,
        }),
      );
    } catch (error) {
      throw refusal(error, input.subscription_id, log);
    }
  }

  return {
    create: (creation, requestId) =>
      ask<CreationResult>(
        { subscription_id: creation.subscription_id, creation },
        { name: messages.awaitCreated, id: `${creation.command_id}/${requestId}`, args: [] },
      ),
    async command(subscriptionId, name, command, requestId) {
      await ask(
        { subscription_id: subscriptionId, creation: null },
        { name: messages[name], id: `${command.command_id}/${requestId}`, args: [command] },
      );
    },
  };
}

/** What the process refused, by its code; everything else means that nobody answered in time. */
function refusal(error: unknown, subscriptionId: string, log: Logger): ProblemError {
  if (error instanceof WorkflowUpdateFailedError && error.cause instanceof ApplicationFailure) {
    const { type, message, details } = error.cause;
    const extras = (details?.[0] ?? {}) as ProblemExtras;
    if (type === 'validation_failed' && extras.reason !== undefined) {
      return validationFailed([{ path: extras.reason, message }]);
    }
    if (type && type in problems) {
      return new ProblemError(type as ProblemCode, message, { subscription_id: subscriptionId, ...extras });
    }
  }
  // Ten updates of one workflow may be in flight.
  if (isGrpcServiceError(error) && error.code === grpcResourceExhausted) {
    return new ProblemError('too_many_requests', 'Too much is being asked of this subscription at once.');
  }
  log.warn(
    { reason: String(error), subscription_id: subscriptionId },
    'the process of the subscription did not answer',
  );
  const detail =
    'The process of the subscription did not answer in time; ask again with the same Idempotency-Key.';
  return new ProblemError('unavailable', detail, { subscription_id: subscriptionId }, {}, { cause: error });
}
