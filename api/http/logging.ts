/**
 * What is logged of requests.
 *
 * Owns: one line per request, the redaction of what a log must not hold, and how errors are written. Invariants: never
 * a body, a header or a raw URL; never a token, a secret, an e-mail address or a card number.
 */
import type { Logger } from 'pino';
import { holdsCardNumber } from '../../contracts/card-numbers';
import { traceIdOf, type TraceContext } from '../../domain/trace';

const hidden = '[redacted]';
const secretNames = [
  'authorization',
  'cookie',
  'set-cookie',
  'token',
  'secret',
  'password',
  'email',
  'secret_hash',
];
const redactedPaths = secretNames.flatMap((name) =>
  ['', '*.', '*.*.', '*.*.*.'].map((before) =>
    name.includes('-') ? `${before.replace(/\.$/, '')}["${name}"]` : `${before}${name}`,
  ),
);

/** The API's own logger, made from the process's. */
export function apiLogger(log: Logger): Logger {
  return log.child(
    { component: 'api' },
    { redact: { paths: redactedPaths, censor: hidden }, serializers: { err: describeError } },
  );
}

/** Text with secrets, addresses and card numbers taken out. */
export function scrubbed(text: string): string {
  const masked = text
    .replace(/\b(pk|sk|whsec)_[A-Za-z0-9_-]{12,}/g, hidden)
    .replace(/Bearer +\S+/gi, `Bearer ${hidden}`)
    .replace(/\/\/[^/\s@]*@/g, `//${hidden}@`)
    .replace(/[^\s@"'`<>(),;:/[\]]+@[^\s@"'`<>(),;:/[\]]+/g, hidden);
  return holdsCardNumber(masked) ? masked.replace(/\d(?:[ -]?\d){11,}/g, hidden) : masked;
}

interface ErrorDescription {
  type: string;
  message: string;
  code?: string;
  stack?: string;
  cause?: ErrorDescription;
}

/** An error for the log: Prisma quotes arguments and source in its messages, of which only the last line is kept. */
export function describeError(error: unknown, depth = 0): ErrorDescription {
  if (!(error instanceof Error)) return { type: typeof error, message: scrubbed(String(error)) };
  const fromPrisma = error.constructor.name.startsWith('PrismaClient');
  const message = fromPrisma ? (error.message.trimEnd().split('\n').at(-1) ?? '') : error.message;
  const frames = (error.stack ?? '').split('\n').filter((line) => /^\s+at /.test(line));
  const { code } = error as { code?: unknown };
  return {
    type: error.constructor.name,
    message: scrubbed(message),
    ...(typeof code === 'string' ? { code } : {}),
    stack: frames.join('\n'),
    ...(error.cause !== undefined && depth < 3 ? { cause: describeError(error.cause, depth + 1) } : {}),
  };
}

/** What becomes known of a request while it is served; the log's line is made of it. */
export interface Trace {
  requestId: string;
  context: TraceContext;
  /** Whether the caller sent it; else it begins here. */
  isContextSent: boolean;
  startedMs: number;
  method: string;
  /** The route's pattern; the raw URL may hold ids and mistaken secrets. */
  route: string | null;
  apiKeyId: string | null;
  problem: string | null;
  replayed: boolean;
  /** For the audit log; never logged. */
  reason: string | null;
  /** Of the caller; logged of what is refused to them, and nowhere else. */
  address: string | undefined;
}

/** Refused to the caller rather than for what was asked. */
const ofCaller: ReadonlySet<number> = new Set([401, 403, 429]);

/** Whether the answer may be one of many that somebody tries. */
export function isRefusedCaller(status: number): boolean {
  return ofCaller.has(status);
}

/** The one line. `aborted`: the caller disconnected before the answer was written. */
export function logRequest(log: Logger, trace: Trace, status: number, ms: number, aborted: boolean): void {
  const line = {
    request_id: trace.requestId,
    trace_id: traceIdOf(trace.context),
    method: trace.method,
    route: trace.route,
    status: aborted ? null : status,
    ms,
    api_key_id: trace.apiKeyId,
    ...(trace.problem === null ? {} : { problem: trace.problem }),
    ...(trace.replayed ? { replayed: true } : {}),
    ...(aborted ? { aborted: true } : {}),
    ...(isRefusedCaller(status) ? { address: trace.address } : {}),
  };
  if (status >= 500) log.warn(line, 'request');
  else log.info(line, 'request');
}
