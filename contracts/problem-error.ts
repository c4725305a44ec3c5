/**
 * The error that carries a refusal of the closed table (`problems.ts`) from where it is decided to the caller.
 *
 * Does not own how a refusal is rendered (`api/http/problems.ts`).
 */
import { problems, type ProblemCode, type ProblemExtras } from './problems';

/** A refusal of the closed table. `detail` is read by people and holds nothing secret or personal. */
export class ProblemError extends Error {
  override readonly name = 'ProblemError';

  /** @param detail what is wrong this time, and what to do about it */
  constructor(
    readonly code: ProblemCode,
    readonly detail: string,
    readonly extras: ProblemExtras = {},
    options?: ErrorOptions,
  ) {
    super(`${code}: ${detail}`, options);
  }

  /** The HTTP status of the code. */
  get status(): number {
    return problems[this.code].status;
  }
}

/** A refusal for a time. */
export class TooManyRequests extends ProblemError {
  /**
   * @param detail what was too much
   * @param retryAfterSeconds when to ask again
   * @param headers what else the answer says about the limit
   */
  constructor(
    detail: string,
    readonly retryAfterSeconds: number,
    readonly headers: Readonly<Record<string, string>> = {},
  ) {
    super('too_many_requests', detail);
  }
}

/** Makes one refusal of field mistakes; `errors` is bounded, so that an answer never outgrows its request. */
export function validationFailed(
  errors: readonly { path: string; message: string }[],
  extras: Pick<ProblemExtras, 'available'> = {},
): ProblemError {
  const first = errors[0];
  const detail = first
    ? `${first.path === '' ? 'The body' : first.path} ${first.message}.`
    : 'The request is not acceptable.';
  return new ProblemError('validation_failed', detail, { errors: errors.slice(0, 50), ...extras });
}

/** Refuses what makes time pass, where test clocks are switched off. @throws ProblemError `test_clocks_disabled` */
export function requireTestClocks(areAllowed: boolean): void {
  if (areAllowed) return;
  throw new ProblemError('test_clocks_disabled', 'Test clocks are switched off in this deployment.');
}

/** Refuses a path or a field whose subject does not exist, or not for this caller. */
export function notFound(what: string): ProblemError {
  return new ProblemError('not_found', `There is no such ${what}.`);
}
