/**
 * Asking a workflow for something, and starting it when it does not run.
 *
 * Owns: waiting no longer than a caller would, and naming refusals in the API's table.
 */
import {
  isGrpcServiceError,
  WithStartWorkflowOperation,
  WorkflowUpdateFailedError,
  type Client,
  type Workflow,
} from '@temporalio/client';
import { ActivityFailure, ApplicationFailure } from '@temporalio/common';
import type { Logger } from 'pino';
import { problems, type ProblemCode, type ProblemExtras } from '../contracts/problems';
import type { WorkflowStart } from '../contracts/workflows/workflows';
import { ProblemError, validationFailed } from '../contracts/problem-error';

/** 10 s for a provider's answer, and a margin for the steps around it. */
const answerWithinMs = 15_000;
const grpcResourceExhausted = 8;

interface Addressee {
  start: WorkflowStart<unknown>;
  summary: string;
  /** Named by every refusal, and by the log. */
  about: Pick<ProblemExtras, 'subscription_id' | 'payment_id'>;
}

export interface UpdateRequest extends Addressee {
  update: { name: string; id: string; args: unknown[] };
}

/** @throws ProblemError what the workflow refused, or `unavailable` when nobody answered in time */
export async function updateWorkflow<T>(client: Client, log: Logger, request: UpdateRequest): Promise<T> {
  const { workflowType, ...options } = request.start;
  const { name, id, args } = request.update;
  const startWorkflowOperation = new WithStartWorkflowOperation<Workflow>(workflowType, {
    ...options,
    workflowIdReusePolicy: 'ALLOW_DUPLICATE',
    workflowIdConflictPolicy: 'USE_EXISTING',
    staticSummary: request.summary,
  });
  try {
    return await client.withDeadline(Date.now() + answerWithinMs, () =>
      client.workflow.executeUpdateWithStart<Workflow, T, unknown[]>(name, {
        startWorkflowOperation,
        updateId: id,
        args,
      }),
    );
  } catch (error) {
    throw refusal(error, request, log);
  }
}

/** Starts it, or leaves the one alone that runs. @throws ProblemError `unavailable` */
export async function startWorkflow(client: Client, log: Logger, addressee: Addressee): Promise<void> {
  const { workflowType, ...options } = addressee.start;
  try {
    await client.withDeadline(Date.now() + answerWithinMs, () =>
      client.workflow.start(workflowType, {
        ...options,
        workflowIdReusePolicy: 'ALLOW_DUPLICATE',
        workflowIdConflictPolicy: 'USE_EXISTING',
        staticSummary: addressee.summary,
      }),
    );
  } catch (error) {
    throw refusal(error, addressee, log);
  }
}

/** Tells without waiting for what comes of it. @throws ProblemError `unavailable` */
export async function signalWorkflowStart(
  client: Client,
  log: Logger,
  message: Addressee & { signal: string },
): Promise<void> {
  const { workflowType, ...options } = message.start;
  try {
    await client.withDeadline(Date.now() + answerWithinMs, () =>
      client.workflow.signalWithStart(workflowType, {
        ...options,
        workflowIdReusePolicy: 'ALLOW_DUPLICATE',
        staticSummary: message.summary,
        signal: message.signal,
        signalArgs: [],
      }),
    );
  } catch (error) {
    throw refusal(error, message, log);
  }
}

/** What the workflow refused, by its code; everything else means that nobody answered in time. */
function refusal(error: unknown, { summary, about }: Addressee, log: Logger): ProblemError {
  const cause = error instanceof WorkflowUpdateFailedError ? error.cause : undefined;
  const failure = cause instanceof ActivityFailure ? cause.cause : cause;
  if (failure instanceof ApplicationFailure && failure.type && failure.type in problems) {
    const extras = (failure.details?.[0] ?? {}) as ProblemExtras;
    if (failure.type === 'validation_failed' && extras.reason !== undefined) {
      return validationFailed([{ path: extras.reason, message: failure.message }]);
    }
    return new ProblemError(failure.type as ProblemCode, failure.message, { ...about, ...extras });
  }
  // Ten updates of one workflow may be in flight.
  if (isGrpcServiceError(error) && error.code === grpcResourceExhausted) {
    return new ProblemError('too_many_requests', `Too much is being asked of ${summary} at once.`);
  }
  log.warn({ reason: String(error), ...about }, 'workflow did not respond');
  const detail = `${summary} did not answer in time; ask again with the same Idempotency-Key.`;
  return new ProblemError('unavailable', detail, about, { cause: error });
}
