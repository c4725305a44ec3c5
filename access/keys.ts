/**
 * API keys as things that exist: their secrets, and the one that a fresh installation begins with.
 *
 * Owns: making and hashing secrets. Does not own who may do what (`authentication.ts`). Invariant: a secret is never
 * stored; 256 random bits need no slow hash.
 */
import { createHash, randomBytes } from 'node:crypto';
import { scopes } from '../contracts/scopes';
import { inTransaction, type Database, type Transaction } from '../prisma/client';
import { sql } from '../prisma/sql';
import { enqueueProgramAudit } from './audit';

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

/** What was done about the bootstrap key. */
type BootstrapResult = 'created' | 'unchanged' | 'widened' | 'replaced' | 'revoked';

/**
 * Makes sure that the key `key_bootstrap` has this secret and every scope. Safe to repeat, also by two at once.
 * Another secret replaces the one before. A revoked key stays revoked until it gets another secret, so that a
 * leaked one does not come back with the next start. What is changed is in the audit log.
 * @throws Error when another key has the secret
 */
export async function ensureBootstrapKey(db: Database, secret: string): Promise<BootstrapResult> {
  return inTransaction(db, async (tx) => {
    const result = await writeBootstrapKey(tx, hashOfSecret(secret), prefixOfSecret(secret));
    if (result !== 'unchanged' && result !== 'revoked') {
      const status = result === 'created' ? 201 : 200;
      enqueueProgramAudit(tx, {
        program: 'migrate',
        subjectId: bootstrapKeyId,
        status,
        detail: { bootstrap_key: result },
      });
    }
    return result;
  });
}

async function writeBootstrapKey(tx: Transaction, hash: string, prefix: string): Promise<BootstrapResult> {
  const created = await sql(tx).execute`
    INSERT INTO api_keys (id, name, scopes, prefix, secret_hash)
    VALUES (${bootstrapKeyId}, 'bootstrap', ${[...scopes]}::text[], ${prefix}, ${hash})
    ON CONFLICT DO NOTHING`;
  if (created === 1) return 'created';
  const [known] = await sql(tx).query<{ secret_hash: string; revoked_at: Date | null; scopes: string[] }[]>`
    SELECT secret_hash, revoked_at, scopes FROM api_keys WHERE id = ${bootstrapKeyId} FOR UPDATE`;
  if (known === undefined) {
    throw new Error('The secret of the bootstrap key is already that of another API key.');
  }
  if (known.secret_hash !== hash) {
    await sql(tx).execute`
      UPDATE api_keys SET secret_hash = ${hash}, prefix = ${prefix}, scopes = ${[...scopes]}::text[],
        revoked_at = NULL, expires_at = NULL
      WHERE id = ${bootstrapKeyId}`;
    return 'replaced';
  }
  if (known.revoked_at !== null) return 'revoked';
  // A later version may know more scopes than the one that made the key.
  if (scopes.every((scope) => known.scopes.includes(scope))) return 'unchanged';
  await sql(tx).execute`
    UPDATE api_keys SET scopes = ${[...scopes]}::text[] WHERE id = ${bootstrapKeyId}`;
  return 'widened';
}
