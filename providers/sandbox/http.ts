/**
 * Calling the sandbox provider: one request, bounded in time and size, and what was heard.
 *
 * Invariant: never throws; an answer that is not JSON, or too large, is an answer without a body.
 */
export const maxAnswerBytes = 64 * 1024;

export type Answer = { httpStatus: number; body: unknown } | { unknown: string };

/** `unknown` says why nothing was heard. */
export async function call(url: URL, timeoutMs: number, init: RequestInit): Promise<Answer> {
  // The signal covers the body, too, so that an answer that trickles in cannot hold the caller.
  const signal = AbortSignal.timeout(Math.max(1, Math.floor(timeoutMs)));
  try {
    const response = await fetch(url, { ...init, signal, redirect: 'manual' });
    const text = await boundedText(response);
    const body = text === undefined ? undefined : jsonOf(text);
    return { httpStatus: response.status, body };
  } catch {
    return { unknown: signal.aborted ? 'timeout' : 'connection_lost' };
  }
}

/** The body, or undefined when it is larger than `maxAnswerBytes`; the rest of it is not read then. */
async function boundedText(response: Response): Promise<string | undefined> {
  const chunks: Uint8Array[] = [];
  let sizeBytes = 0;
  for await (const chunk of (response.body ?? []) as AsyncIterable<Uint8Array>) {
    sizeBytes += chunk.byteLength;
    // Leaving the loop cancels the stream and with it the connection.
    if (sizeBytes > maxAnswerBytes) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

/** Undefined for what is not JSON; no schema accepts that. */
function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
