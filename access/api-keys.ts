/**
 * API keys as the API shows them: creating, listing and revoking them.
 *
 * Invariants: a key grants no scope that its creator does not have; a revoked key stays in the list, as the audit log
 * names it.
 */
import { scope } from '../contracts/scopes';
import type { ApiKey, CreateApiKey, CreatedApiKey } from '../contracts/http/api-keys';
import { notFound, ProblemError, validationFailed } from '../contracts/problem-error';
import type { Database } from '../prisma/client';
import { newestFirst, pageOf, type Page, type PageRequest } from '../prisma/pages';
import type { Prisma } from '../prisma/generated/client';
import type { Caller } from './authentication';
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
  };
}

/**
 * Creates an API key, once by its id.
 * @returns the key with its secret; without it when an earlier run created the key, as only the hash is kept
 * @throws ProblemError `forbidden`, `validation_failed`
 */
export async function createApiKey(
  db: Database,
  keyId: string,
  { name, scopes, expires_at }: CreateApiKey,
  creator: Caller,
  now: Date,
): Promise<CreatedApiKey> {
  const missing = scopes.filter((wanted) => !creator.scopes.includes(wanted));
  if (missing.length > 0) {
    const detail = `A key cannot grant what it does not have: ${missing.join(', ')}.`;
    throw new ProblemError('forbidden', detail);
  }
  const expiresAt = expires_at === undefined ? null : new Date(expires_at);
  if (expiresAt !== null && expiresAt <= now) {
    throw validationFailed([{ path: 'expires_at', message: 'must lie in the future' }]);
  }
  const secret = newSecret();
  const stored = { prefix: prefixOfSecret(secret), secret_hash: hashOfSecret(secret) };
  const { count } = await db.apiKey.createMany({
    data: [{ id: keyId, name, scopes, ...stored, expires_at: expiresAt }],
    skipDuplicates: true,
  });
  const key = toApiKey(await db.apiKey.findUniqueOrThrow({ where: { id: keyId } }));
  return { ...key, secret: count === 1 ? secret : null };
}

/** Lists API keys, newest first. */
export async function listApiKeys(db: Database, page: PageRequest): Promise<Page<ApiKey>> {
  const { after, ...order } = newestFirst(page);
  return pageOf(await db.apiKey.findMany({ where: after, ...order }), page.limit, toApiKey);
}

/** Revokes an API key; revoked already, it changes nothing. @throws ProblemError `not_found` */
export async function revokeApiKey(db: Database, keyId: string, now: Date): Promise<void> {
  const where = { id: keyId };
  await db.apiKey.updateMany({ where: { ...where, revoked_at: null }, data: { revoked_at: now } });
  if ((await db.apiKey.count({ where })) === 0) throw notFound('API key');
}
