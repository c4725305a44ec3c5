/**
 * Refusals on their way to the caller.
 *
 * Owns: the error that handlers throw, and turning anything thrown into one code of the closed table. Does not own
 * the table itself (`contracts/problems`). Invariants: nothing of an unexpected error reaches the caller; PostgreSQL
 * being away is `unavailable` whatever route met it.
 */
import { problems, type Problem, type ProblemCode, type ProblemExtras } from '../../contracts/problems';
import { isDatabaseUnavailable } from './database-unavailable';

const retryAfterSeconds: Partial<Record<ProblemCode, string>> = {
  idempotency_key_in_flight: '1',
  too_many_requests: '1',
  unavailable: '2',
};

/** A refusal of the closed table. `detail` is read by people and holds nothing secret or personal. */
export class ProblemError extends Error {
  override readonly name = 'ProblemError';

  /**
   * @param detail what is wrong this time, and what to do about it
   * @param headers of the answer; `Retry-After` and `WWW-Authenticate` are added where the code calls for them
   */
  constructor(
    readonly code: ProblemCode,
    readonly detail: string,
    readonly extras: ProblemExtras = {},
    readonly headers: Readonly<Record<string, string>> = {},
    options?: ErrorOptions,
  ) {
    super(`${code}: ${detail}`, options);
  }

  /** The HTTP status of the code. */
  get status(): number {
    return problems[this.code].status;
  }
}

/** Field mistakes as one refusal; `errors` is bounded, so that an answer never outgrows its question. */
export function validationFailed(errors: readonly { path: string; message: string }[]): ProblemError {
  const first = errors[0];
  const detail = first
    ? `${first.path === '' ? 'The body' : first.path} ${first.message}.`
    : 'The request is not acceptable.';
  return new ProblemError('validation_failed', detail, { errors: errors.slice(0, 50) });
}

/** The thing that the path names does not exist, or not for this caller. */
export function notFound(what: string): ProblemError {
  return new ProblemError('not_found', `There is no such ${what}.`);
}

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
  const retryAfter = retryAfterSeconds[error.code];
  return {
    ...(retryAfter === undefined ? {} : { 'Retry-After': retryAfter }),
    ...(error.code === 'unauthenticated' ? { 'WWW-Authenticate': 'Bearer' } : {}),
    ...error.headers,
  };
}

/** Anything thrown, as one of the table. What nobody foresaw becomes `internal`, with the cause kept for the log. */
export function toProblem(error: unknown): ProblemError {
  if (error instanceof ProblemError) return error;
  if (isDatabaseUnavailable(error)) {
    const detail = 'The database does not answer now. Try again.';
    return new ProblemError('unavailable', detail, {}, {}, { cause: error });
  }
  // The router's own complaint about a path that does not decode, such as `/plans/%ff`.
  if (error instanceof URIError || (error as { status?: unknown } | null)?.status === 400) {
    return new ProblemError('malformed_request', 'The URL cannot be decoded.');
  }
  return new ProblemError(
    'internal',
    'Something unexpected happened. It was logged under request_id.',
    {},
    {},
    { cause: error },
  );
}
