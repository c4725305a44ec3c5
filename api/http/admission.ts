/**
 * Who asks, and whether now is the time: authentication within the limits.
 *
 * Owns which limit counts for which request: an API key's for what it asks, an address' for what needs none, the
 * provider's for webhooks, once they are verified (`routes/webhooks.ts`). Invariants:
 * - A token is looked up at each request; that it was valid lately says only whose limit counts before the lookup.
 * - Failed authentications of an address keep nobody out whose token was valid lately: they may share a network.
 */
import type { Request, Response } from 'express';
import { anonymous, authenticate, type Caller } from '../../access/authentication';
import { hashOfSecret } from '../../access/keys';
import { ProblemError } from '../../contracts/problem-error';
import { keptNetworkOf, networkOf } from './caller-address';
import type { ApiDependencies } from './dependencies';
import type { Trace } from './logging';
import type { Route } from './route';

/** What is given back when the request is answered. */
export type Held = (() => void)[];

/**
 * Finds the caller of a route.
 * @param held gets what is to be given back, whatever becomes of the request
 * @throws ProblemError `unauthenticated`, `too_many_requests`
 */
export async function admittedCaller(
  entry: Route,
  deps: ApiDependencies,
  request: Request,
  response: Response,
  trace: Trace,
  held: Held,
): Promise<Caller> {
  const { limits } = deps;
  const token = request.headers.authorization;
  if (entry.scope === null) {
    if (entry.raw === undefined && entry.unlimited !== true)
      await admitAddress(deps, request, response, held);
    return anonymous;
  }
  if (token === undefined) {
    await admitAddress(deps, request, response, held);
    return authenticated(deps, request, trace);
  }
  const tokenHash = hashOfSecret(token);
  const known = limits.knownKey(tokenHash);
  if (known !== undefined) {
    trace.apiKeyId = known;
    await admit(deps, `key/${known}`, response, held);
  }
  const caller = await lookedUp(deps, request, trace, tokenHash, known === undefined);
  if (known !== caller.id) await admit(deps, `key/${caller.id}`, response, held);
  limits.rememberToken(tokenHash, caller.id);
  return caller;
}

/** Counts what no API key asks for. @throws ProblemError `too_many_requests` */
export function admitAddress(
  deps: ApiDependencies,
  request: Request,
  response: Response,
  held: Held,
): Promise<void> {
  return admit(deps, `address/${networkOf(request.ip)}`, response, held);
}

async function admit(
  { limits }: ApiDependencies,
  caller: string,
  response: Response,
  held: Held,
): Promise<void> {
  const { headers, release } = await limits.admit(caller);
  held.push(release);
  for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
}

/** Looks the token up; as many at once of an address that may be guessing as of any caller. */
async function lookedUp(
  deps: ApiDependencies,
  request: Request,
  trace: Trace,
  tokenHash: string,
  mayBeGuessed: boolean,
): Promise<Caller> {
  const { limits } = deps;
  const network = networkOf(request.ip);
  if (mayBeGuessed) await limits.requireFewFailures(network);
  const release = mayBeGuessed ? limits.takeSlot(`address/${network}`) : () => undefined;
  try {
    return await authenticated(deps, request, trace);
  } catch (error) {
    if (error instanceof ProblemError && error.code === 'unauthenticated') {
      limits.forgetToken(tokenHash);
      await limits.countFailure(network);
    }
    throw error;
  } finally {
    release();
  }
}

/** Failures are counted for the audit log. */
function authenticated(
  { db, now, signIns }: ApiDependencies,
  request: Request,
  { requestId }: Trace,
): Promise<Caller> {
  return authenticate(db, request.headers.authorization, now(), (failure) =>
    signIns.record({ failure, network: keptNetworkOf(request.ip), requestId }),
  );
}
