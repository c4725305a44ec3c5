/**
 * Authentication: who calls, and whether the key has the scope.
 *
 * Owns reading the Authorization header and finding the key. Invariants:
 * - A token is taken from the header only.
 * - Missing, malformed, unknown, expired and revoked keys get the same answer.
 * - Nothing is cached, so a revocation holds for the next request.
 */
import { timingSafeEqual } from 'node:crypto';
import type { Actor } from '../contracts/fields';
import { scopes, type Scope } from '../contracts/scopes';
import type { Database } from '../prisma/client';
import { sql } from '../prisma/sql';
import type { Prisma } from '../prisma/generated/client';
import { hasKeyForm, hashOfSecret, prefixOfSecret } from './keys';
import { ProblemError } from '../contracts/problem-error';

type ApiKey = Prisma.ApiKeyGetPayload<{
  select: {
    id: true;
    secret_hash: true;
    scopes: true;
    revoked_at: true;
    expires_at: true;
    last_used_at: true;
  };
}>;

/** Why a call is not let in. The caller gets the same answer for each; the audit log has which. */
export interface SignInFailure {
  kind: 'missing' | 'malformed' | 'unknown' | 'expired' | 'revoked';
  /** Of a key that was known. */
  apiKeyId: string | null;
  /** What people recognise a key by, of a token in the form of our keys; of any other nothing is kept. */
  prefix: string | null;
}

export interface Caller {
  id: string;
  scopes: readonly Scope[];
}

/** The caller of a route that needs no API key. */
export const anonymous: Caller = { id: 'anonymous', scopes: [] };

/**
 * Finds the caller of `Authorization: Bearer <secret>`.
 * @param onRefused learns why there is none
 * @throws ProblemError `unauthenticated`
 */
export async function authenticate(
  db: Database,
  authorization: string | undefined,
  now: Date,
  onRefused: (failure: SignInFailure) => void,
): Promise<Caller> {
  const secret = /^Bearer +([\x21-\x7e]{16,200})$/i.exec(authorization ?? '')?.[1];
  if (secret === undefined) {
    const kind = authorization === undefined ? 'missing' : 'malformed';
    onRefused({ kind, apiKeyId: null, prefix: null });
    throw unauthenticated();
  }
  const hash = hashOfSecret(secret);
  const [key] = await sql(db).query<ApiKey[]>`
    SELECT id, secret_hash, scopes, revoked_at, expires_at, last_used_at FROM api_keys WHERE secret_hash = ${hash}`;
  const known = key !== undefined && timingSafeEqual(Buffer.from(key.secret_hash), Buffer.from(hash));
  const failure = known ? endOf(key, now) : 'unknown';
  if (!known || failure !== null) {
    const apiKeyId = known ? key.id : null;
    onRefused({
      kind: failure ?? 'unknown',
      apiKeyId,
      prefix: hasKeyForm(secret) ? prefixOfSecret(secret) : null,
    });
    throw unauthenticated();
  }
  noteUse(db, key, now);
  return { id: key.id, scopes: scopes.filter((scope) => key.scopes.includes(scope)) };
}

const useNotedEveryMs = 60_000;

/** Records the last use, at most once a minute; no call waits for it, or fails with it, and it waits for nobody. */
function noteUse(db: Database, { id, last_used_at: last }: ApiKey, now: Date): void {
  const before = new Date(now.getTime() - useNotedEveryMs);
  if (last !== null && last > before) return;
  void sql(db).execute`
    UPDATE api_keys SET last_used_at = ${now}
    WHERE id = (
      SELECT id FROM api_keys WHERE id = ${id} AND (last_used_at IS NULL OR last_used_at <= ${before})
      FOR NO KEY UPDATE SKIP LOCKED
    )`.catch(() => undefined);
}

/** Why the key is not good any more; null: it is. */
function endOf({ revoked_at, expires_at }: ApiKey, now: Date): 'revoked' | 'expired' | null {
  if (revoked_at !== null) return 'revoked';
  return expires_at !== null && expires_at <= now ? 'expired' : null;
}

/** Requires a scope of the caller. @throws ProblemError `forbidden` */
export function requireScope(caller: Caller, scope: Scope): void {
  if (!caller.scopes.includes(scope)) {
    throw new ProblemError('forbidden', `This call needs an API key with the scope ${scope}.`);
  }
}

/** Returns the caller as the actor of what a call records. */
export function actorOf(caller: Caller, reason: string | null): Actor {
  return { kind: 'api_key', id: caller.id, reason };
}

/** The refusal of a caller without a valid key. */
export function unauthenticated(): ProblemError {
  return new ProblemError('unauthenticated', 'Send a valid API key as Authorization: Bearer <key>.');
}
