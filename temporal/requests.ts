/**
 * Requests of a caller of the API to a workflow, which is started when it does not run.
 *
 * Owns: waiting no longer than a caller would, asking again what was not taken, and naming refusals in the API's table of
 * problems. Invariant: an update is repeated under its own id only, so it has one effect.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { isGrpcServiceError, WorkflowUpdateFailedError } from '@temporalio/client';
import { ActivityFailure, ApplicationFailure } from '@temporalio/common';
import type { Logger } from 'pino';
import { ProblemError, validationFailed } from '../contracts/problem-error';
import { problems, type ProblemCode, type ProblemExtras } from '../contracts/problems';
import type { WorkflowStart } from '../contracts/workflows/workflows';
import type { Update, WorkflowClient } from './client';
import { grpcCodes } from './grpc-codes';

/** 10 s for a provider's answer, and a margin for the steps around it. */
const answerWithinMs = 15_000;
/** What was not taken is asked again while so much of that is left: a call cut short would leave its outcome open. */
const leastCallMs = 4_000;
const firstPauseMs = 50;
const longestPauseMs = 1_000;

/** Answers to an update that was not taken. Ten updates of one workflow may be in flight. */
const notTakenCodes = new Set<number>([grpcCodes.resourceExhausted, grpcCodes.aborted, grpcCodes.notFound]);

/**
 * Failures by which Temporal rejects an update that no worker took in its task: too many came at once, or the run was
 * ending. Of the first kind one may still be taken a moment later, so only the same update id is asked again.
 */
const notTakenTypes = new Set(['UnprocessedUpdate', 'AcceptedUpdateCompletedWorkflow']);

/** Named by every refusal, and by the log. */
type About = Pick<ProblemExtras, 'subscription_id' | 'payment_id'>;

/** What of the client an update needs. */
export type UpdatingClient = Pick<WorkflowClient, 'updateWithStart'>;

/** What a caller does who does not know the outcome: the call takes an Idempotency-Key, or the subject is read. */
export type Recovery = 'same_key' | 'read';

/**
 * Asks a workflow for an update, again under its id while it is not taken.
 * @throws ProblemError what the workflow refused, `too_many_requests` when it was not taken, or `unavailable` when it did
 * not answer in time
 */
export async function requestUpdate<Result>(
  client: UpdatingClient,
  log: Logger,
  start: WorkflowStart<unknown>,
  update: Update,
  about: About = {},
  recovery: Recovery = 'same_key',
): Promise<Result> {
  const endMs = performance.now() + answerWithinMs;
  for (let pauseMs = firstPauseMs; ; pauseMs = Math.min(pauseMs * 2, longestPauseMs)) {
    try {
      const withinMs = endMs - performance.now();
      return await client.updateWithStart<Result, unknown>(start, update, { withinMs });
    } catch (error) {
      // Spread, so that callers who were refused together do not come together again.
      const waitMs = pauseMs * (0.5 + Math.random());
      const mayRepeat = isNotTaken(error) && endMs - performance.now() - waitMs > leastCallMs;
      if (!mayRepeat) throw refusalOf(error, start, about, log, recovery);
      await sleep(waitMs);
    }
  }
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

/** What the workflow refused, by its code; everything else means that it was not taken or did not answer in time. */
function refusalOf(
  error: unknown,
  { summary }: WorkflowStart<unknown>,
  about: About,
  log: Logger,
  recovery: Recovery = 'same_key',
): ProblemError {
  const failure = updateFailureOf(error);
  if (failure?.type && failure.type in problems) {
    const extras = (failure.details?.[0] ?? {}) as ProblemExtras;
    if (failure.type === 'validation_failed' && extras.reason !== undefined) {
      return validationFailed([{ path: extras.reason, message: failure.message }]);
    }
    return new ProblemError(failure.type as ProblemCode, failure.message, { ...about, ...extras });
  }
  log.warn({ reason: String(error), ...about }, 'workflow did not respond');
  if (isNotTaken(error)) {
    const detail = `Too much is being asked of ${summary} at once; ${howToRecover[recovery]}.`;
    return new ProblemError('too_many_requests', detail, about, { cause: error });
  }
  const detail = `${summary} did not answer in time; ${howToRecover[recovery]}.`;
  return new ProblemError('unavailable', detail, about, { cause: error });
}

const howToRecover: Readonly<Record<Recovery, string>> = {
  same_key: 'ask again with the same Idempotency-Key',
  read: 'whether it was done is open: read it before you ask again',
};

/** Whether an update was rejected because it could not be taken now. */
function isNotTaken(error: unknown): boolean {
  const type = updateFailureOf(error)?.type;
  if (type && notTakenTypes.has(type)) return true;
  // The SDK wraps some of the server's answers.
  const answer = isGrpcServiceError(error) ? error : (error as { cause?: unknown } | null)?.cause;
  return isGrpcServiceError(answer) && notTakenCodes.has(answer.code);
}

/** The failure that ended an update; undefined: it did not end. */
function updateFailureOf(error: unknown): ApplicationFailure | undefined {
  const cause = error instanceof WorkflowUpdateFailedError ? error.cause : undefined;
  const failure = cause instanceof ActivityFailure ? cause.cause : cause;
  return failure instanceof ApplicationFailure ? failure : undefined;
}
