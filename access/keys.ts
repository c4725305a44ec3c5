/**
 * API keys as things that exist: their secrets, and the one that a fresh installation begins with.
 *
 * Owns: making and hashing secrets. Does not own who may do what (`authentication.ts`). Invariant: a secret is never
 * stored; 256 random bits need no slow hash.
 */
import { createHash, randomBytes } from 'node:crypto';
import { scopes } from '../contracts/scopes';
import type { Database } from '../prisma/client';

export const bootstrapKeyId = 'key_bootstrap';

/** A fresh secret: `pk_` and 256 random bits. */
export function newSecret(): string {
  return `pk_${randomBytes(32).toString('base64url')}`;
}

/** What is stored of a secret: SHA-256, hex. */
export function hashOfSecret(secret: string): string {
  return createHash('sha256').update(secret, 'utf8').digest('hex');
}

/** Whether a token may be a secret of ours. */
export function hasKeyForm(secret: string): boolean {
  return /^pk_[A-Za-z0-9_-]{43}$/.test(secret);
}

/** What people recognise a key by. */
export function prefixOfSecret(secret: string): string {
  return secret.slice(0, 8);
}

/**
 * Makes sure that the key `key_bootstrap` has this secret and every scope. Safe to repeat, also by two at once.
 * Another secret replaces the one before. A revoked key stays revoked until it gets another secret, so that a
 * leaked one does not come back with the next start.
 */
export async function ensureBootstrapKey(
  db: Database,
  secret: string,
): Promise<'created' | 'unchanged' | 'replaced' | 'revoked'> {
  const fields = { secret_hash: hashOfSecret(secret), prefix: prefixOfSecret(secret), scopes: [...scopes] };
  const created = await db.apiKey.createMany({
    data: [{ id: bootstrapKeyId, name: 'bootstrap', ...fields }],
    skipDuplicates: true,
  });
  if (created.count === 1) return 'created';
  const known = await db.apiKey.findUnique({ where: { id: bootstrapKeyId } });
  if (known === null) throw new Error('The secret of the bootstrap key is already that of another API key.');
  if (known.secret_hash !== fields.secret_hash) {
    const data = { ...fields, revoked_at: null, expires_at: null };
    await db.apiKey.update({ where: { id: bootstrapKeyId }, data });
    return 'replaced';
  }
  if (known.revoked_at !== null) return 'revoked';
  // A later version may know more scopes than the one that made the key.
  await db.apiKey.update({ where: { id: bootstrapKeyId }, data: { scopes: fields.scopes } });
  return 'unchanged';
}
