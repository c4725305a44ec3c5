/** Request ids: the caller's own when it is well-formed, else a fresh one; answered in the header either way. */
import type { IncomingMessage } from 'node:http';

const wellFormed = /^[A-Za-z0-9_-]{8,64}$/;

/** The id of a request. */
export function requestIdOf(request: IncomingMessage, newUuid: () => string): string {
  const given = request.headers['x-request-id'];
  return typeof given === 'string' && wellFormed.test(given) ? given : newUuid();
}
