/**
 * From a request to a reply, in one order for every route.
 *
 * Owns that order: limits, authentication, scope, reading the body, validation, Idempotency-Key, audit, handler. Invariants:
 * no caller without a valid key and scope has a body read or learns whether a thing exists; validation comes before the
 * Idempotency-Key, so that a corrected body may be sent under the same key.
 */
import type { Request, RequestHandler, Response } from 'express';
import { z } from 'zod';
import { idOfRequest, newId, type IdKind } from '../../domain/ids';
import type { WebhookRequest } from '../../domain/payment/webhook';
import { subjectTypeOfCall } from '../../domain/subjects';
import { requireScope, type Caller } from '../../access/authentication';
import { admittedCaller, type Held } from './admission';
import { readJsonBody, readRawBody } from './body';
import { actionOf, CallAudit, lastIdOf } from './call-audit';
import { prefersCsv } from './csv';
import type { ApiDependencies } from './dependencies';
import { answerOnce, readIdempotencyKey, type Lease } from '../../access/idempotency';
import type { Trace } from './logging';
import { ProblemError, notFound } from '../../contracts/problem-error';
import { toProblem } from './problems';
import { replyOf, replyOfKept, replyOfProblem, send, type Reply } from './reply';
import { requestHash } from '../../access/request-hash';
import { isMutating, takesIdempotencyKey, type Call, type Route } from './route';
import { readQuery } from './query';
import { requireSingleHeaders } from './single-headers';
import { validated } from '../../contracts/validation';

type AnyCall = Call<unknown, unknown, unknown>;
const nothing = z.strictObject({});

/** What Express calls for a route. */
export function serve(entry: Route, deps: ApiDependencies): RequestHandler {
  return async (request, response) => {
    const trace = traceOf(response);
    trace.route = entry.path;
    const held: Held = [];
    const reply = await replyTo(entry, deps, request, response, trace, held).finally(() => {
      for (const release of held) release();
    });
    trace.problem = reply.problem;
    trace.replayed = reply.headers['Idempotent-Replayed'] === 'true';
    send(response, reply);
  };
}

/** What the first middleware put there. */
export function traceOf(response: Response): Trace {
  return (response.locals as { trace: Trace }).trace;
}

/** The reply to anything thrown; what is unexpected is logged with its cause. */
export function refusal(error: unknown, deps: ApiDependencies, trace: Trace): Reply {
  const problem = toProblem(error);
  if (problem.status >= 500) {
    const line = { err: problem.cause ?? problem, request_id: trace.requestId, route: trace.route };
    if (problem.code === 'internal') deps.log.error(line, 'unexpected error');
    else deps.log.warn(line, 'dependency unavailable');
  }
  return replyOfProblem(problem, trace.requestId);
}

async function replyTo(
  entry: Route,
  deps: ApiDependencies,
  request: Request,
  response: Response,
  trace: Trace,
  held: Held,
): Promise<Reply> {
  let audit: CallAudit | undefined;
  let reply: Reply;
  try {
    const caller = await admittedCaller(entry, deps, request, response, trace, held);
    audit = new CallAudit(entry, deps, request, caller, trace);
    trace.apiKeyId = entry.scope === null ? null : caller.id;
    if (entry.scope !== null) requireScope(caller, entry.scope);
    reply = await perform(entry, deps, request, response, caller, trace, audit);
  } catch (error) {
    reply = refusal(error, deps, trace);
  }
  await audit?.complete(reply);
  return reply;
}

async function perform(
  entry: Route,
  deps: ApiDependencies,
  request: Request,
  response: Response,
  caller: Caller,
  trace: Trace,
  audit: CallAudit,
): Promise<Reply> {
  if (entry.raw === undefined) requireSingleHeaders(request);
  const params = validatedParams(entry, request.params);
  const query = validated(entry.query ?? nothing, readQuery(request.originalUrl));
  const idempotencyKey = entry.scope === null ? null : readIdempotencyKey(request.headers['idempotency-key']);
  const raw = await rawRequest(entry, deps, request, response, params);
  const sent = isMutating(entry) && raw === null ? await readJsonBody(request, response) : undefined;
  const body = validatedBody(entry, sent);
  trace.reason = reasonOf(query) ?? reasonOf(body);
  // Kept with the answer, so that an erasure finds it.
  const action = actionOf(entry);
  const about = (answer: Reply): Reply => ({
    ...answer,
    subjectId: answer.subjectId ?? lastIdOf(request),
    subjectType: subjectTypeOfCall(action, answer.status),
  });
  const work = async (lease: Lease | null): Promise<Reply> => {
    const ifMatch = request.headers['if-match'] ?? null;
    const { requestId, context, isContextSent, reason } = trace;
    const wantsCsv = prefersCsv(request.headers.accept);
    const traced = { requestId, trace: context, isTraceSent: isContextSent };
    const call = {
      params,
      query,
      body,
      raw,
      caller,
      ...traced,
      reason,
      idempotencyKey,
      ifMatch,
      wantsCsv,
      lease,
    };
    try {
      await audit.begin();
      return about(
        replyOf(await entry.handle({ ...call, idFor: idsOf(deps, caller, idempotencyKey) }, deps)),
      );
    } catch (error) {
      return about(refusal(error, deps, trace));
    }
  };
  if (idempotencyKey === null || !takesIdempotencyKey(entry)) return work(null);
  const keyed = {
    apiKeyId: caller.id,
    key: idempotencyKey,
    requestHash: requestHash(request.method, request.path, sent === undefined ? {} : sent),
    holder: deps.newUuid(),
    leaseSeconds: deps.deadlines.leaseSeconds,
  };
  const answered = await answerOnce(deps.db, deps.log, keyed, work);
  return 'repeated' in answered ? replyOfKept(answered.repeated) : answered.fresh;
}

function idsOf(deps: ApiDependencies, caller: Caller, key: string | null): AnyCall['idFor'] {
  return (kind: IdKind) => (key === null ? newId(kind, deps.newUuid()) : idOfRequest(kind, caller.id, key));
}

/** The request as it came, for a handler that reads it itself. */
async function rawRequest(
  entry: Route,
  deps: ApiDependencies,
  request: Request,
  response: Response,
  params: unknown,
): Promise<WebhookRequest | null> {
  if (entry.raw === undefined) return null;
  entry.raw.admit(params as Record<string, unknown>, deps);
  const body = await readRawBody(request, response, entry.raw.maxBytes);
  return { body, headers: request.headersDistinct, sourceAddress: request.ip ?? null };
}

/** Why a person wants the change; only from fields that were validated. */
function reasonOf(fields: unknown): string | null {
  const { reason } = fields as { reason?: unknown };
  return typeof reason === 'string' ? reason : null;
}

/** An id that no thing can have is the id of nothing. */
function validatedParams(entry: Route, params: unknown): unknown {
  const result = (entry.params ?? nothing).safeParse(params);
  if (!result.success) throw notFound('thing');
  return result.data;
}

function validatedBody(entry: Route, sent: unknown): unknown {
  entry.inspectBody?.(sent);
  if (sent === undefined && entry.body !== undefined && entry.bodyOptional !== true) {
    throw new ProblemError('malformed_json', 'The body is empty; a JSON object is needed.');
  }
  return validated(entry.body ?? nothing, sent === undefined ? {} : sent);
}
