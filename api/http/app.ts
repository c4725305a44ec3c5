/**
 * The REST API as an Express application.
 *
 * Owns: the order of what happens to every request, whatever its route. Does not own listening (`server.ts`) nor the
 * routes (`routes/`). Invariants: every request is answered with an id and logged once; every refusal is a problem
 * of the closed table; no answer holds a stack trace.
 */
import express, { type ErrorRequestHandler, type Express, type RequestHandler } from 'express';
import helmet from 'helmet';
import { productVersion } from '../../contracts/version';
import type { ApiDependencies } from './dependencies';
import { refusal, serve, traceOf } from './dispatch';
import { apiLogger, logRequest, type Trace } from './logging';
import { openApiDocument } from './openapi';
import { ProblemError } from '../../contracts/problem-error';
import { send } from './reply';
import { requestIdOf } from './request-ids';
import type { Route } from './route';
import { routeTable } from '../routes';
import { readTrace, newTrace } from '../../domain/trace';

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
  app.use(traced(deps), securityHeaders());
  mount(app, routes, deps);
  app.use((_request, response) => {
    send(
      response,
      refusal(new ProblemError('not_found', 'No route has this path.'), deps, traceOf(response)),
    );
  });
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
  return (_request, response) => {
    const trace = traceOf(response);
    trace.route = path;
    const problem = new ProblemError('method_not_allowed', `Allowed here: ${allow}.`);
    const reply = refusal(problem, deps, trace);
    send(response, { ...reply, headers: { ...reply.headers, Allow: allow } });
  };
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
    };
    response.locals['trace'] = trace;
    response.setHeader('X-Request-Id', trace.requestId);
    response.setHeader('Cache-Control', 'no-store');
    response.once('close', () => {
      const ms = Math.round(performance.now() - trace.startedMs);
      logRequest(deps.log, trace, response.statusCode, ms, !response.writableFinished);
    });
    next();
  };
}

/** Only files of our own origin run; nothing may frame the page or send a form elsewhere. */
function securityHeaders(): RequestHandler {
  return helmet({
    contentSecurityPolicy: {
      useDefaults: false,
      directives: {
        defaultSrc: ["'none'"],
        scriptSrc: ["'self'"],
        styleSrc: ["'self'", "'unsafe-inline'"],
        imgSrc: ["'self'", 'data:'],
        connectSrc: ["'self'"],
        baseUri: ["'none'"],
        formAction: ["'none'"],
        frameAncestors: ["'none'"],
      },
    },
  });
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
