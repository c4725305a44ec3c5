/**
 * W3C trace context of a request: the caller's own when it is well-formed, else a fresh one.
 *
 * It goes with the command to the events that follow, so that a trace begun elsewhere can be followed through Kafka.
 * Perennial records no spans: the caller's is passed on as it came.
 */
import type { IncomingMessage } from 'node:http';

/** Version, trace id, parent id, flags; later versions may append more. */
const wellFormed = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}(-.*)?$/;

/** The `traceparent` of a request. */
export function traceparentOf(request: IncomingMessage, newUuid: () => string): string {
  const given = request.headers['traceparent'];
  return typeof given === 'string' && isTraceparent(given) ? given : newTraceparent(newUuid);
}

function isTraceparent(text: string): boolean {
  const [, version, traceId, parentId, more] = wellFormed.exec(text) ?? [];
  if (version === undefined || version === 'ff' || text.length > 128) return false;
  if (version === '00' && more !== undefined) return false;
  return !/^0+$/.test(traceId ?? '') && !/^0+$/.test(parentId ?? '');
}

/** Not sampled: no caller has asked for this trace. */
function newTraceparent(newUuid: () => string): string {
  const hex = () => newUuid().replaceAll('-', '');
  // The last digits of a UUID are its random ones.
  return `00-${hex()}-${hex().slice(-16)}-00`;
}

/** What log lines carry, to be found by. */
export function traceIdOf(traceparent: string): string {
  return traceparent.split('-')[1] ?? '';
}
