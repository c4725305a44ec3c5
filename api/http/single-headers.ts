/**
 * Refuses a header of ours that came twice.
 *
 * Node joins some with a comma, and takes the first of others: either would be another request than the one that a proxy
 * before us has seen. Does not judge webhooks, whose providers sign their headers, nor `traceparent`: of several W3C Trace
 * Context makes a new trace.
 */
import type { IncomingMessage } from 'node:http';
import { ProblemError } from '../../contracts/problem-error';

const byLowerCase = (names: readonly string[]): ReadonlyMap<string, string> =>
  new Map(names.map((name) => [name.toLowerCase(), name]));
const ofRoutes = byLowerCase([
  'Authorization',
  'Content-Type',
  'Idempotency-Key',
  'If-Match',
  'X-Request-Id',
]);
const ofHttp = byLowerCase(['Host']);

/** @throws ProblemError `malformed_request`, which names the header */
export function requireSingleHeaders(request: IncomingMessage): void {
  const problem = repetition(request, ofRoutes);
  if (problem !== null) throw problem;
}

/** The refusal of a second `Host` (RFC 9112, 3.2), webhooks included; null: there is none. */
export function repeatedHost(request: IncomingMessage): ProblemError | null {
  return repetition(request, ofHttp);
}

function repetition(
  { rawHeaders }: IncomingMessage,
  names: ReadonlyMap<string, string>,
): ProblemError | null {
  const seen = new Set<string>();
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const name = names.get(rawHeaders[at]?.toLowerCase() ?? '');
    if (name === undefined) continue;
    if (seen.has(name)) return new ProblemError('malformed_request', `The header ${name} may be given once.`);
    seen.add(name);
  }
  return null;
}
