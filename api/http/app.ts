/**
 * The REST API as an Express application.
 *
 * Owns: the order of what happens to every request, whatever its route. Does not own listening (`server.ts`) nor the
 * routes (`routes/`). Invariants: every request is answered with an id and logged once; every refusal is a problem
 * of the closed table; no answer holds a stack trace.
 */
import express, {
  type ErrorRequestHandler,
  type Express,
  type Request,
  type RequestHandler,
  type Response,
} from 'express';
import { productVersion } from '../../contracts/version';
import { admitAddress, type Held } from './admission';
import { addressClass } from './caller-address';
import type { ApiDependencies } from './dependencies';
import { refusal, serve, traceOf } from './dispatch';
import { apiLogger, isRefusedCaller, logRequest, type Trace } from './logging';
import { earlyRefusals } from './early-refusals';
import { openApiDocument } from './openapi';
import { ProblemError } from '../../contracts/problem-error';
import { send } from './reply';
import { requestIdOf } from './request-ids';
import type { Route } from './route';
import { securityHeaders } from './security-headers';
import { repeatedHost } from './single-headers';
import { routeTable } from '../routes';
import { readTrace, newTrace } from '../../domain/trace';
import { withoutTrailingSlashes } from './trailing-slashes';

export type { ApiDependencies, ReadinessCheck } from './dependencies';

/** Builds the application; nothing is opened or started. */
export function createApp(given: ApiDependencies): Express {
  const deps = { ...given, log: apiLogger(given.log) };
  let document: string | undefined;
  const routes: readonly Route[] = routeTable(() => (document ??= openApiDocument(routes, productVersion)));
  const app = express();
  app.disable('x-powered-by');
  app.disable('etag');
  app.enable('strict routing');
  app.enable('case sensitive routing');
  // The query is read and checked in one place, with the body.
  app.set('query parser', false);
  app.set('trust proxy', deps.trustProxy ?? false);
  app.use(traced(deps), earlyRefusals(routes, deps), securityHeaders(), requireHost(deps));
  mount(app, routes, deps);
  app.use(elsewhere(routes, deps));
  app.use(answerErrors(deps));
  return app;
}

/** The path that Express knows a route by. */
function expressPath(path: string): string {
  return path.replace(/\{(\w+)\}/g, ':$1');
}

function mount(app: Express, routes: readonly Route[], deps: ApiDependencies): void {
  // Express tries one path after the other; no caller calls as often as providers with their webhooks.
  const busiestFirst = routes.toSorted((a, b) => Number(b.raw !== undefined) - Number(a.raw !== undefined));
  for (const path of new Set(busiestFirst.map((entry) => entry.path))) {
    const entries = routes.filter((entry) => entry.path === path);
    const place = app.route(expressPath(path));
    for (const entry of entries) place[entry.method](serve(entry, deps));
    place.all(refuseMethod(path, entries, deps));
  }
}

function refuseMethod(path: string, entries: readonly Route[], deps: ApiDependencies): RequestHandler {
  const known = entries.map(({ method }) => method.toUpperCase());
  const allow = [...known, ...(known.includes('GET') ? ['HEAD'] : [])].join(', ');
  return withinLimits(deps, (_request, response) => {
    const trace = traceOf(response);
    trace.route = path;
    const problem = new ProblemError('method_not_allowed', `Allowed here: ${allow}.`);
    const reply = refusal(problem, deps, trace);
    send(response, { ...reply, headers: { ...reply.headers, Allow: allow } });
  });
}

function traced(deps: ApiDependencies): RequestHandler {
  return (request, response, next) => {
    const sent = readTrace(request.headers['traceparent'], request.headers['tracestate']);
    const trace: Trace = {
      requestId: requestIdOf(request, deps.newUuid),
      context: sent ?? newTrace(deps.newUuid),
      isContextSent: sent !== null,
      startedMs: performance.now(),
      method: request.method,
      route: null,
      apiKeyId: null,
      problem: null,
      replayed: false,
      reason: null,
      address: request.ip,
    };
    response.locals['trace'] = trace;
    response.setHeader('X-Request-Id', trace.requestId);
    response.setHeader('Cache-Control', 'no-store');
    response.once('close', () => {
      const ms = Math.round(performance.now() - trace.startedMs);
      logRequest(deps.log, trace, response.statusCode, ms, !response.writableFinished);
      if (isRefusedCaller(response.statusCode)) {
        deps.onRefused?.(response.statusCode, addressClass(trace.address));
      }
    });
    next();
  };
}

/** RFC 9112, 3.2; Node's own refusal would be bare. */
function requireHost(deps: ApiDependencies): RequestHandler {
  return (request, response, next) => {
    const isMissing = request.headers.host === undefined && request.httpVersion === '1.1';
    const problem = isMissing
      ? new ProblemError('malformed_request', 'The header Host is needed.')
      : repeatedHost(request);
    if (problem === null) {
      next();
      return;
    }
    send(response, refusal(problem, deps, traceOf(response)));
  };
}

/** What no route has: another spelling of one, or nothing. */
function elsewhere(routes: readonly Route[], deps: ApiDependencies): RequestHandler {
  const find = withoutTrailingSlashes(routes);
  return withinLimits(deps, (request, response) => {
    const place = find(request);
    if (place !== null) {
      // 308 keeps method and body.
      response.status(308).setHeader('Location', place);
      response.end();
      return;
    }
    send(
      response,
      refusal(new ProblemError('not_found', 'No route has this path.'), deps, traceOf(response)),
    );
  });
}

/** What no route answers counts for the caller's address. */
function withinLimits(
  deps: ApiDependencies,
  answer: (request: Request, response: Response) => void,
): RequestHandler {
  return async (request, response) => {
    const held: Held = [];
    await admitAddress(deps, request, response, held);
    answer(request, response);
    for (const release of held) release();
  };
}

function answerErrors(deps: ApiDependencies): ErrorRequestHandler {
  return (error: unknown, _request, response, next) => {
    if (response.headersSent) {
      next(error);
      return;
    }
    send(response, refusal(error, deps, traceOf(response)));
  };
}
