/**
 * Rendering of refusals, and turning anything thrown into one code of the closed table.
 *
 * Does not own the table (`contracts/problems`) nor its error (`contracts/problem-error`). Invariants: nothing of an
 * unexpected error reaches the caller; a database that is down is `unavailable` whatever route met it.
 */
import { ProblemError, TooManyRequests } from '../../contracts/problem-error';
import { problems, type Problem, type ProblemCode } from '../../contracts/problems';
import { isDatabaseUnavailable } from '../../billing/database-unavailable';

const retryAfterSeconds: Partial<Record<ProblemCode, string>> = {
  idempotency_key_in_flight: '1',
  too_many_requests: '1',
  unavailable: '2',
};

/** The body of the answer (RFC 9457). */
export function problemBody(error: ProblemError, requestId: string): Problem {
  return {
    type: `/problems/${error.code}`,
    title: problems[error.code].title,
    status: error.status,
    detail: error.detail,
    code: error.code,
    request_id: requestId,
    ...error.extras,
  };
}

/** Headers that belong to the refusal. */
export function problemHeaders(error: ProblemError): Record<string, string> {
  const ofLimit = error instanceof TooManyRequests;
  const retryAfter = ofLimit ? String(error.retryAfterSeconds) : retryAfterSeconds[error.code];
  return {
    ...(ofLimit ? error.headers : {}),
    ...(retryAfter === undefined ? {} : { 'Retry-After': retryAfter }),
    ...(error.code === 'unauthenticated' ? { 'WWW-Authenticate': 'Bearer' } : {}),
  };
}

/** Anything thrown, as one of the table. What is unexpected becomes `internal`, with the cause kept for the log. */
export function toProblem(error: unknown): ProblemError {
  if (error instanceof ProblemError) return error;
  if (isDatabaseUnavailable(error)) {
    const detail = 'The database does not answer now. Try again.';
    return new ProblemError('unavailable', detail, {}, { cause: error });
  }
  // The router's own complaint about a path that does not decode, such as `/plans/%ff`.
  if (error instanceof URIError || (error as { status?: unknown } | null)?.status === 400) {
    return new ProblemError('malformed_request', 'The URL cannot be decoded.');
  }
  return new ProblemError(
    'internal',
    'Something unexpected happened. It was logged under request_id.',
    {},
    { cause: error },
  );
}
