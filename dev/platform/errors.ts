/**
 * What can go wrong while servers are fetched, started and stopped.
 *
 * Owns: the closed list of codes. Invariant: `message` is complete for the person at the terminal: what happened,
 * to which server, and what to do next; callers print it without a stack.
 */

export type PlatformErrorCode =
  | 'already_running'
  | 'port_taken'
  | 'missing_tools'
  | 'build_failed'
  | 'start_failed'
  | 'not_answering'
  | 'given_unreachable'
  | 'not_ours'
  | 'product_failed'
  | 'interrupted';

export class PlatformError extends Error {
  constructor(
    readonly code: PlatformErrorCode,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
    this.name = 'PlatformError';
  }
}

/** The text of anything thrown, for use inside a longer message. */
export function reasonOf(error: unknown): string {
  if (error instanceof AggregateError && error.errors.length > 0) return reasonOf(error.errors[0]);
  return error instanceof Error ? error.message || error.name : String(error);
}
