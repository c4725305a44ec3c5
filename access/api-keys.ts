/**
 * API keys as the API shows them: creating, listing and revoking them.
 *
 * Invariants: a key grants no scope that its maker does not have, and is good no longer than its maker; only a key that is
 * good when the row is written makes another; a revoked key stays in the list, as the audit log names it, and so do the keys
 * that it made.
 */
import { scope, scopesOfPreset, type Scope } from '../contracts/scopes';
import type { ApiKey, CreateApiKey, CreatedApiKey } from '../contracts/http/api-keys';
import { notFound, ProblemError, validationFailed } from '../contracts/problem-error';
import { inTransaction, type Database } from '../prisma/client';
import { newestFirst, pageOf, type Page, type PageRequest } from '../prisma/pages';
import { sql } from '../prisma/sql';
import type { Prisma } from '../prisma/generated/client';
import { unauthenticated, type Caller } from './authentication';
import { hashOfSecret, newSecret, prefixOfSecret } from './keys';

function toApiKey(row: Prisma.ApiKeyGetPayload<object>): ApiKey {
  return {
    id: row.id,
    name: row.name,
    scopes: row.scopes.flatMap((name) => scope.safeParse(name).data ?? []),
    prefix: row.prefix,
    expires_at: row.expires_at?.toISOString() ?? null,
    revoked_at: row.revoked_at?.toISOString() ?? null,
    created_at: row.created_at.toISOString(),
    created_by: row.created_by,
    last_used_at: row.last_used_at?.toISOString() ?? null,
  };
}

/**
 * Creates an API key, once by its id. Its expiry is the maker's where it names none.
 * @returns the key with its secret; without it when an earlier run created the key, as only the hash is kept
 * @throws ProblemError `forbidden`, `validation_failed`; `unauthenticated` when the maker's key ended meanwhile
 */
export async function createApiKey(
  db: Database,
  keyId: string,
  wanted: CreateApiKey,
  maker: Caller,
  now: Date,
): Promise<CreatedApiKey> {
  const granted = wanted.preset === undefined ? (wanted.scopes ?? []) : scopesOfPreset(wanted.preset);
  requireGrantable(granted, maker);
  const asked = wanted.expires_at === undefined ? null : new Date(wanted.expires_at);
  if (asked !== null && asked <= now) {
    throw validationFailed([{ path: 'expires_at', message: 'must lie in the future' }]);
  }
  const secret = newSecret();
  const count = await inTransaction(db, async (tx) => {
    // Locked, so that a revocation comes before or after.
    const [row] = await sql(tx).query<{ revoked_at: Date | null; expires_at: Date | null }[]>`
      SELECT revoked_at, expires_at FROM api_keys WHERE id = ${maker.id} FOR SHARE`;
    if (row === undefined || row.revoked_at !== null || isOver(row.expires_at, now)) throw unauthenticated();
    if (asked !== null && row.expires_at !== null && asked > row.expires_at) {
      const message = `must not be later than the end of the key that makes it, ${row.expires_at.toISOString()}`;
      throw validationFailed([{ path: 'expires_at', message }]);
    }
    return sql(tx).execute`
      INSERT INTO api_keys (id, name, scopes, prefix, secret_hash, expires_at, created_by)
      VALUES (${keyId}, ${wanted.name}, ${granted}::text[], ${prefixOfSecret(secret)}, ${hashOfSecret(secret)},
        ${asked ?? row.expires_at}, ${maker.id})
      ON CONFLICT (id) DO NOTHING`;
  });
  const key = toApiKey(await db.apiKey.findUniqueOrThrow({ where: { id: keyId } }));
  return { ...key, secret: count === 1 ? secret : null };
}

function requireGrantable(granted: readonly Scope[], maker: Caller): void {
  const missing = granted.filter((wanted) => !maker.scopes.includes(wanted));
  if (missing.length === 0) return;
  throw new ProblemError('forbidden', `A key cannot grant what it does not have: ${missing.join(', ')}.`);
}

const isOver = (expiresAt: Date | null, now: Date): boolean => expiresAt !== null && expiresAt <= now;

/** Lists API keys, newest first. @param createdBy only those that this key made */
export async function listApiKeys(
  db: Database,
  { created_by: createdBy }: { created_by?: string | undefined },
  page: PageRequest,
): Promise<Page<ApiKey>> {
  const { after, ...order } = newestFirst(page);
  const where = { ...after, ...(createdBy === undefined ? {} : { created_by: createdBy }) };
  return pageOf(await db.apiKey.findMany({ where, ...order }), page.limit, toApiKey);
}

/** Revokes an API key; revoked already, it changes nothing. @throws ProblemError `not_found` */
export async function revokeApiKey(db: Database, keyId: string, now: Date): Promise<void> {
  const where = { id: keyId };
  await db.apiKey.updateMany({ where: { ...where, revoked_at: null }, data: { revoked_at: now } });
  if ((await db.apiKey.count({ where })) === 0) throw notFound('API key');
}
