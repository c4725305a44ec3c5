/**
 * W3C trace context: read, made, and derived.
 *
 * What a request, a webhook or a record brings is passed on as it came: Perennial records no spans. What begins by itself
 * has a derived one, so that every repeat of it has the same. Nothing is decided by it.
 */
import { v5 as uuidv5 } from 'uuid';

export interface TraceContext {
  traceparent: string;
  /** Left out: none, or one that cannot be read. */
  tracestate?: string;
}

/** Version, trace id, parent id, flags; later versions may append more, here of printable ASCII: it is stored. */
const wellFormed = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}(-[\x20-\x7e]*)?$/;
const longestTraceparent = 128;

/** What the specification asks everybody to pass on. */
const longestTracestate = 512;
const maxMembers = 32;
/** A vendor's key, and its value: printable ASCII without comma and equals sign, not ending with a blank. */
const member =
  /^[a-z0-9][a-z0-9_*/@-]{0,255}=[\x20-\x2b\x2d-\x3c\x3e-\x7e]{0,255}[\x21-\x2b\x2d-\x3c\x3e-\x7e]$/;

/** Reads what somebody sent, whatever it is. Null: there is no `traceparent`, or it is malformed. */
export function readTrace(traceparent: unknown, tracestate: unknown): TraceContext | null {
  if (typeof traceparent !== 'string' || !isTraceparent(traceparent)) return null;
  const state = readTracestate(tracestate);
  return state === null ? { traceparent } : { traceparent, tracestate: state };
}

function isTraceparent(text: string): boolean {
  if (text.length > longestTraceparent) return false;
  const [, version, traceId, parentId, more] = wellFormed.exec(text) ?? [];
  if (version === undefined || version === 'ff') return false;
  if (version === '00' && more !== undefined) return false;
  return !/^0+$/.test(traceId ?? '') && !/^0+$/.test(parentId ?? '');
}

/** A list that is too long loses whole members from its end; one that is malformed is left out. */
function readTracestate(text: unknown): string | null {
  if (typeof text !== 'string') return null;
  const members = text
    .slice(0, longestTracestate * 2)
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '');
  const kept: string[] = [];
  let length = 0;
  for (const part of members.slice(0, maxMembers)) {
    length += part.length + (kept.length === 0 ? 0 : 1);
    if (length > longestTracestate) break;
    if (!member.test(part)) return null;
    kept.push(part);
  }
  return kept.length === 0 ? null : kept.join(',');
}

/** Begins a trace. Not sampled: no caller has asked for it. */
export function newTrace(newUuid: () => string): TraceContext {
  return traceOf(newUuid(), newUuid());
}

/** The trace that follows from `about`: the same parts give the same one, for ever. */
export function derivedTrace(about: readonly (string | number)[]): TraceContext {
  const uuid = (part: string) => uuidv5(JSON.stringify([part, ...about]), namespace);
  return traceOf(uuid('trace'), uuid('parent'));
}

/** The trace of what is due in a subscription for a period: its announcement, its payment, and what follows. */
export function renewalTrace(subscriptionId: string, periodIndex: number): TraceContext {
  return derivedTrace(['renewal', subscriptionId, periodIndex]);
}

/** Root of all derived traces. */
const namespace = '2b7c1f5e-6d0a-5c3b-8f43-94d1a7e0c6b2';

/** A UUID holds a version and a variant, so neither of the two ids is zero. */
function traceOf(uuid: string, other: string): TraceContext {
  const hex = (id: string) => id.replaceAll('-', '');
  return { traceparent: `00-${hex(uuid)}-${hex(other).slice(-16)}-00` };
}

/** What log lines carry, to be found by. */
export function traceIdOf({ traceparent }: TraceContext): string {
  return traceparent.split('-')[1] ?? '';
}
