/**
 * What a route is: one entry from which Express is fed and the OpenAPI document is written.
 *
 * Owns: the shape of routes, of the calls that they get and the answers that they give.
 */
import type { z } from 'zod';
import type { ProblemCode } from '../../contracts/problems';
import type { Scope } from '../../contracts/scopes';
import type { IdKind } from '../../domain/ids';
import type { TraceContext } from '../../domain/trace';
import type { WebhookRequest } from '../../domain/payment/webhook';
import type { Caller } from '../../access/authentication';
import type { Lease } from '../../access/idempotency';
import type { ApiDependencies } from './dependencies';

export type Method = 'get' | 'post' | 'patch' | 'put' | 'delete';

/** A request that passed authentication, scope and validation. */
export interface Call<Params, Query, Body> {
  params: Params;
  query: Query;
  body: Body;
  /** The request as it came, for a route with `raw`; null otherwise. */
  raw: WebhookRequest | null;
  caller: Caller;
  requestId: string;
  /** W3C trace context, for what follows: the caller's, else one that begins here. */
  trace: TraceContext;
  /** Whether the caller sent it. */
  isTraceSent: boolean;
  /** Why a person wants it; the field `reason` of the query or the body, where the route has one. */
  reason: string | null;
  /** The header's value, when one was sent. */
  idempotencyKey: string | null;
  /** The header If-Match, as sent. */
  ifMatch: string | null;
  /** Whether the header Accept asks for CSV rather than JSON. */
  wantsCsv: boolean;
  /** Held while a POST with an Idempotency-Key runs. */
  lease: Lease | null;
  /** The id of what the call makes: derived from the Idempotency-Key when there is one. */
  idFor(kind: IdKind): string;
}

/** What a handler answers. Without `body` and `file` the answer is empty. */
export interface Answer {
  status: number;
  body?: unknown;
  /** Kept for repeats under the same Idempotency-Key instead of `body`, where that holds a secret. */
  bodyOfRepeats?: unknown;
  file?: { contentType: string; data: string | Buffer };
  headers?: Readonly<Record<string, string>>;
  /** What was made or changed, for the audit log; by default the last id in the path. */
  subjectId?: string;
  /** The customer whose personal data the body holds, so that erasing finds kept answers. */
  personalDataOf?: string;
}

export interface DescribedAnswer {
  description: string;
  schema?: z.ZodType;
  contentType?: string;
  /** What else it may be, by content type: a text of that form. */
  alternatives?: readonly string[];
}

export interface RouteOf<Params extends z.ZodType, Query extends z.ZodType, Body extends z.ZodType> {
  method: Method;
  /** OpenAPI's spelling: `/plans/{plan_id}`. */
  path: `/${string}`;
  operationId: string;
  tag: string;
  summary: string;
  description?: string;
  /** null: served to anyone. */
  scope: Scope | null;
  /** Served however often it is asked for. */
  unlimited?: true;
  params?: Params;
  query?: Query;
  body?: Body;
  /** What it reads may hold secrets or personal data as others sent them: reading stands in the audit log. */
  showsSecrets?: true;
  /** No body at all is an empty object. */
  bodyOptional?: true;
  /** The body is the handler's, byte for byte: nothing parses or judges it before. */
  raw?: {
    maxBytes: number;
    /** Before the body is read. @throws ProblemError */
    admit(params: Readonly<Record<string, unknown>>, deps: ApiDependencies): void;
  };
  answers: Readonly<Record<number, DescribedAnswer>>;
  /** The header If-Match names the version that a change is about; another one is answered 412. */
  honoursIfMatch?: boolean;
  /** Refusals beyond those that every route may answer. */
  problems?: readonly ProblemCode[];
  /** Judges the parsed body before validation, where an answer must not even name what is wrong. */
  inspectBody?(body: unknown): void;
  handle(
    call: Call<z.output<Params>, z.output<Query>, z.output<Body>>,
    deps: ApiDependencies,
  ): Promise<Answer> | Answer;
}

type NoFields = z.ZodObject<Record<never, never>, z.core.$strict>;
// The table holds routes of many shapes; each was checked against its own schemas by `route`.
// oxlint-disable-next-line typescript/no-explicit-any -- the one place where the shapes are forgotten
export type Route = RouteOf<any, any, any>;

/** Declares a route; what the handler gets follows from the schemas. */
export function route<
  Params extends z.ZodType = NoFields,
  Query extends z.ZodType = NoFields,
  Body extends z.ZodType = NoFields,
>(declared: RouteOf<Params, Query, Body>): Route {
  return declared;
}

/** Whether the route asks for a change. */
export function isMutating(entry: Route): boolean {
  return entry.method !== 'get';
}

/** Whether calls of the route stand in the audit log: they ask for a change, or show what is secret. */
export function isAudited(entry: Route): boolean {
  return entry.scope !== null && (isMutating(entry) || entry.showsSecrets === true);
}

/** Whether the route keeps its answer under an Idempotency-Key. */
export function takesIdempotencyKey(entry: Route): boolean {
  return entry.method === 'post' && entry.scope !== null;
}

/** Returns the id of an update. Callers may repeat a request id; the update's id must be a new one each time. */
export function updateIdOf(
  { requestId }: Pick<Call<unknown, unknown, unknown>, 'requestId'>,
  { newUuid }: Pick<ApiDependencies, 'newUuid'>,
): string {
  return `${requestId}/${newUuid()}`;
}
