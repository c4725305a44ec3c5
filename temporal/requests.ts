/**
 * Requests of a caller of the API to a workflow, which is started when it does not run.
 *
 * Owns: waiting no longer than a caller would, and naming refusals in the API's table of problems.
 */
import { isGrpcServiceError, WorkflowUpdateFailedError } from '@temporalio/client';
import { ActivityFailure, ApplicationFailure } from '@temporalio/common';
import type { Logger } from 'pino';
import { ProblemError, validationFailed } from '../contracts/problem-error';
import { problems, type ProblemCode, type ProblemExtras } from '../contracts/problems';
import type { WorkflowStart } from '../contracts/workflows/workflows';
import type { Update, WorkflowClient } from './client';

/** 10 s for a provider's answer, and a margin for the steps around it. */
const answerWithinMs = 15_000;
const grpcResourceExhausted = 8;

/** Named by every refusal, and by the log. */
type About = Pick<ProblemExtras, 'subscription_id' | 'payment_id'>;

/** @throws ProblemError what the workflow refused, or `unavailable` when it did not answer in time */
export async function requestUpdate<Result>(
  client: WorkflowClient,
  log: Logger,
  start: WorkflowStart<unknown>,
  update: Update,
  about: About = {},
): Promise<Result> {
  return client
    .updateWithStart<Result, unknown>(start, update, { withinMs: answerWithinMs })
    .catch((error: unknown) => Promise.reject(refusalOf(error, start, about, log)));
}

/** Starts a workflow unless it runs. @throws ProblemError `unavailable` */
export async function requestStart(
  client: WorkflowClient,
  log: Logger,
  start: WorkflowStart<unknown>,
): Promise<void> {
  await client
    .start(start, { withinMs: answerWithinMs })
    .catch((error: unknown) => Promise.reject(refusalOf(error, start, {}, log)));
}

/** Signals without waiting for what comes of it. @throws ProblemError `unavailable` */
export async function requestSignal(
  client: WorkflowClient,
  log: Logger,
  start: WorkflowStart<unknown>,
  name: string,
  about: About,
): Promise<void> {
  await client
    .signalWithStart(start, { name, args: [] }, { withinMs: answerWithinMs })
    .catch((error: unknown) => Promise.reject(refusalOf(error, start, about, log)));
}

/** What the workflow refused, by its code; everything else means that it did not answer in time. */
function refusalOf(
  error: unknown,
  { summary }: WorkflowStart<unknown>,
  about: About,
  log: Logger,
): ProblemError {
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
