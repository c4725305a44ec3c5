/**
 * Calling the sandbox provider: one request, bounded in time and size, and what was heard.
 *
 * Invariant: never throws; an answer that is not JSON, or too large, is an answer without a body.
 */
import { boundedText, jsonOf } from '../bounded-body';

export const maxAnswerBytes = 64 * 1024;

export type Answer = { httpStatus: number; body: unknown } | { unknown: string };

/** `unknown` says why nothing was heard. */
export async function call(url: URL, timeoutMs: number, init: RequestInit): Promise<Answer> {
  // The signal covers the body, too, so that an answer that trickles in cannot hold the caller.
  const signal = AbortSignal.timeout(Math.max(1, Math.floor(timeoutMs)));
  try {
    const response = await fetch(url, { ...init, signal, redirect: 'manual' });
    const text = await boundedText(response, maxAnswerBytes);
    const body = text === undefined ? undefined : jsonOf(text);
    return { httpStatus: response.status, body };
  } catch {
    return { unknown: signal.aborted ? 'timeout' : 'connection_lost' };
  }
}
