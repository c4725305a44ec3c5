/**
 * Calls of Stripe's API through Stripe's library, and what each of them came to.
 *
 * Owns: the library's settings, the bounds of an answer, telling an answer from none. Does not own what an answer
 * means. Invariants: one call is one request (the library repeats nothing, follows nothing, reports nothing about
 * earlier calls); it ends in time and reads a bounded body; only a 200 with an object is an answer, only a refusal in
 * Stripe's own form is a refusal, and all else is unknown; it never throws.
 */
import StripeLibrary from 'stripe';
import { z } from 'zod';
import { boundedText, jsonOf } from '../bounded-body';
import { stripeFault, type StripeFault } from './wire';

/** A page of intents with everything that hangs on them stays well below. */
export const maxStripeAnswerBytes = 2 * 1024 * 1024;

export interface Refused {
  httpStatus: number;
  fault: StripeFault;
  /** What the refusal shows of the payment that it is about, unread. */
  paymentIntent: unknown;
}

export type StripeAnswer = { object: unknown } | { refused: Refused } | { unknown: string };

export interface StripeClient {
  /** One request, given up after `timeoutMs`. */
  ask(
    request: (stripe: StripeLibrary, options: StripeLibrary.RequestOptions) => Promise<unknown>,
    timeoutMs: number,
    idempotencyKey?: string,
  ): Promise<StripeAnswer>;
}

/** Nobody knows what became of the call; `reason` says why. */
class NoClearAnswer extends Error {
  constructor(readonly reason: string) {
    super(reason);
    this.name = 'NoClearAnswer';
  }
}

export interface StripeClientOptions {
  secretKey: string;
  /** Where Stripe's API is; only its origin counts. */
  apiUrl: string;
}

/** @throws TypeError when `apiUrl` is not a URL */
export function stripeClient({ secretKey, apiUrl }: StripeClientOptions): StripeClient {
  const { protocol, hostname, port } = new URL(apiUrl);
  const stripe = new StripeLibrary(secretKey, {
    host: hostname,
    port: port === '' ? (protocol === 'http:' ? 80 : 443) : Number(port),
    protocol: protocol === 'http:' ? 'http' : 'https',
    maxNetworkRetries: 0,
    telemetry: false,
    httpClient: StripeLibrary.createFetchHttpClient(fetchOnce),
  });
  return {
    ask: async (request, timeoutMs, idempotencyKey) => {
      const options = {
        timeout: Math.max(1, Math.floor(timeoutMs)),
        ...(idempotencyKey !== undefined && { idempotencyKey }),
      };
      try {
        return { object: await request(stripe, options) };
      } catch (error) {
        return refusalIn(error);
      }
    },
  };
}

/** Lets through to the library only what it reads rightly: an object with 200, or an error of Stripe's form. */
async function fetchOnce(url: Parameters<typeof fetch>[0], init?: RequestInit): Promise<Response> {
  try {
    const response = await fetch(url, { ...init, redirect: 'manual' });
    const text = await boundedText(response, maxStripeAnswerBytes);
    const body = text === undefined ? undefined : jsonOf(text);
    if (response.status === 200 ? !isObject(body) : !isError(body) || response.status < 400) {
      throw new NoClearAnswer(unclear(response.status));
    }
    return new Response(text, { status: response.status, headers: plainHeaders(response.headers) });
  } catch (error) {
    if (error instanceof NoClearAnswer) throw error;
    // Without a `code` on the error: with ECONNRESET the library would send the request a second time.
    throw new NoClearAnswer(init?.signal?.aborted ? 'timeout' : 'connection_lost');
  }
}

/** The text has been decompressed already. */
function plainHeaders(headers: Headers): Headers {
  const kept = new Headers(headers);
  for (const name of ['content-encoding', 'content-length', 'transfer-encoding']) kept.delete(name);
  return kept;
}

function isObject(body: unknown): body is Record<string, unknown> {
  return typeof body === 'object' && body !== null && !Array.isArray(body) && !('error' in body);
}

const errorBody = z.object({ error: z.object({ type: z.string() }) });

function isError(body: unknown): boolean {
  return errorBody.safeParse(body).success;
}

/** The library throws for refusals, and for what `fetchOnce` did not let through. */
function refusalIn(error: unknown): StripeAnswer {
  if (!(error instanceof StripeLibrary.errors.StripeError)) return { unknown: 'connection_lost' };
  if (error instanceof StripeLibrary.errors.StripeConnectionError) {
    const cause: unknown = error.detail;
    return { unknown: cause instanceof NoClearAnswer ? cause.reason : 'connection_lost' };
  }
  const { statusCode: httpStatus, raw } = error;
  const fault = stripeFault.safeParse(raw);
  if (httpStatus === undefined || !fault.success) return { unknown: 'unreadable_answer' };
  const reason = withoutResult(httpStatus, fault.data);
  return reason === undefined
    ? { refused: { httpStatus, fault: fault.data, paymentIntent: error.payment_intent } }
    : { unknown: reason };
}

/** Why a refusal says nothing about the payment; undefined when Stripe looked at the request and said no. */
function withoutResult(httpStatus: number, fault: StripeFault): string | undefined {
  if (httpStatus === 409 && fault.code === 'idempotency_key_in_use') return 'in_progress';
  if (fault.type === 'idempotency_error') return 'idempotency_conflict';
  if (httpStatus === 400 && fault.code === 'rate_limit') return 'rate_limited';
  return [400, 402, 404].includes(httpStatus) ? undefined : unclear(httpStatus);
}

/** The reason for an answer that cannot be used, by its status. */
export function unclear(httpStatus: number): string {
  if (httpStatus === 200) return 'unreadable_answer';
  return httpStatus === 429 ? 'rate_limited' : `http_${httpStatus}`;
}
