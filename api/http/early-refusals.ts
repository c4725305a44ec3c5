/**
 * Refuses a caller that has used up a limit before anything else is done: a flood costs a tenth of an ordinary refusal.
 *
 * Does not own the limits, which were found used up where they are counted (`admission.ts`). Invariant: what it refuses
 * would be refused there, too; what has no limit never is.
 */
import type { Request, RequestHandler } from 'express';
import { hashOfSecret } from '../../access/keys';
import type { TooManyRequests } from '../../contracts/problem-error';
import { networkOf } from './caller-address';
import type { ApiDependencies } from './dependencies';
import { replyOfProblem } from './reply';
import type { Route } from './route';
import { bareHeaders } from './security-headers';
import { traceOf } from './dispatch';

/** Of a path: `plans` of `/plans/gold`. */
const beginningOf = (path: string): string => path.split(/[/?]/, 2)[1] ?? '';

/** Answers those requests; passes on the others. */
export function earlyRefusals(routes: readonly Route[], deps: ApiDependencies): RequestHandler {
  const beginnings = (some: readonly Route[]) => new Set(some.map(({ path }) => beginningOf(path)));
  const free = beginnings(routes.filter((entry) => entry.unlimited === true || entry.raw !== undefined));
  const open = beginnings(routes.filter((entry) => entry.scope === null));
  return (request, response, next) => {
    const beginning = beginningOf(request.url);
    const problem = free.has(beginning) ? null : refusalOf(request, open.has(beginning), deps);
    if (problem === null) {
      next();
      return;
    }
    const trace = traceOf(response);
    trace.problem = problem.code;
    const { status, headers, text } = replyOfProblem(problem, trace.requestId);
    const length = Buffer.byteLength(String(text));
    response.writeHead(status, { ...bareHeaders, ...headers, 'Content-Length': length });
    response.end(text);
  };
}

function refusalOf(request: Request, isOpen: boolean, { limits }: ApiDependencies): TooManyRequests | null {
  const { usedUp } = limits;
  if (!usedUp.isAny()) return null;
  const token = request.headers.authorization;
  const address = networkOf(request.ip);
  if (isOpen || token === undefined) return usedUp.refusal(`address/${address}`);
  const known = limits.knownKey(hashOfSecret(token));
  return usedUp.refusal(known === undefined ? `failures/${address}` : `key/${known}`);
}
