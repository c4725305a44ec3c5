/**
 * Retry policies as they are kept: every version of each, for ever.
 *
 * Owns: rows of `retry_policies`, and the version of `default` that is there before anybody wrote one. Invariants: a
 * version never changes; versions of a policy count from 1 without gaps; whoever writes the first version of `default`
 * of their own stores the shipped one before it.
 */
import { isDeepStrictEqual } from 'node:util';
import { actor as actorSchema, type Actor } from '../../contracts/fields';
import { retryPolicyDocument } from '../../contracts/retry-policy';
import { defaultPolicyId, shippedPolicy, type RetryPolicyDocument } from '../../domain/retry/policy';
import { inTransaction, type Database, type Transaction } from '../../prisma/client';
import { sql } from '../../prisma/sql';
import { columnsOf } from '../../prisma/columns';
import { Prisma } from '../../prisma/generated/client';
import { lockRetryPolicy } from '../locks';

export interface StoredPolicy {
  id: string;
  version: number;
  document: RetryPolicyDocument;
  actor: Actor;
  /** null: it came with the product. */
  created_at: Date | null;
}

const shipped: StoredPolicy = {
  id: defaultPolicyId,
  version: 1,
  document: shippedPolicy,
  actor: { kind: 'system', id: 'perennial', reason: null },
  created_at: null,
};

type PolicyRow = Prisma.RetryPolicyGetPayload<object>;
const policyColumns = columnsOf(Prisma.RetryPolicyScalarFieldEnum);

function toStored(row: PolicyRow): StoredPolicy {
  const actor = actorSchema.parse(row.actor);
  const isShipped = row.id === shipped.id && row.version === shipped.version && actor.kind === 'system';
  return {
    id: row.id,
    version: row.version,
    document: retryPolicyDocument.parse(row.document),
    actor,
    created_at: isShipped ? null : row.created_at,
  };
}

/** A version of a policy, or its current one. @returns null when there is no such policy or version */
export async function readRetryPolicy(
  on: Database | Transaction,
  id: string,
  version?: number,
): Promise<StoredPolicy | null> {
  const [row] = await sql(on).query<PolicyRow[]>`
    SELECT ${policyColumns} FROM retry_policies
    WHERE id = ${id} AND version = coalesce(${version ?? null}, version) ORDER BY version DESC LIMIT 1`;
  if (row !== undefined) return toStored(row);
  return id === shipped.id && (version ?? 1) === shipped.version ? shipped : null;
}

/**
 * The current version of each policy, in the order of their ids.
 * @param after the id before the first; '' from the beginning
 */
export async function listRetryPolicies(db: Database, after: string, limit: number): Promise<StoredPolicy[]> {
  const newest = await sql(db).query<{ id: string; version: number }[]>`
    SELECT id, max(version) AS version FROM retry_policies WHERE id COLLATE "C" > ${after}
    GROUP BY id ORDER BY id COLLATE "C" LIMIT ${limit}`;
  const rows = await db.retryPolicy.findMany({ where: { OR: newest } });
  const found = rows.map(toStored);
  const untouched = (await db.retryPolicy.count({ where: { id: shipped.id } })) === 0;
  if (untouched && shipped.id > after) found.push(shipped);
  return found.sort((a, b) => (a.id < b.id ? -1 : 1)).slice(0, limit);
}

/** The versions of a policy below `below`, newest first; none when there is no such policy. */
export async function listRetryPolicyVersions(
  db: Database,
  id: string,
  below: number,
  limit: number,
): Promise<StoredPolicy[]> {
  const rows = await db.retryPolicy.findMany({
    where: { id, version: { lt: below } },
    orderBy: { version: 'desc' },
    take: limit,
  });
  if (rows.length > 0) return rows.map(toStored);
  const untouched = id === shipped.id && (await db.retryPolicy.count({ where: { id } })) === 0;
  return untouched && below > shipped.version ? [shipped] : [];
}

export interface PolicyWriting {
  id: string;
  document: RetryPolicyDocument;
  actor: Actor;
  at: Date;
  /** Write only if this is the current version; null: whatever it is. */
  expected: number | null;
}

/**
 * Makes a new version; the document as it is already makes none.
 * @returns the current version then, or the one that is there instead of the expected one
 */
export async function writeRetryPolicy(
  db: Database,
  { id, document, actor, at, expected }: PolicyWriting,
): Promise<{ written: StoredPolicy } | { instead: number | null }> {
  return inTransaction(db, async (tx) => {
    await lockRetryPolicy(tx, id);
    const current = await readRetryPolicy(tx, id);
    if (expected !== null && current?.version !== expected) return { instead: current?.version ?? null };
    if (current !== null && isDeepStrictEqual(current.document, document)) return { written: current };
    if (current === shipped) enqueuePolicy(tx, { ...shipped, created_at: at });
    const version = (current?.version ?? 0) + 1;
    const written = { id, version, document, actor, created_at: at };
    enqueuePolicy(tx, written);
    return { written };
  });
}

function enqueuePolicy(tx: Transaction, policy: StoredPolicy & { created_at: Date }): void {
  const { id, version, document, actor, created_at } = policy;
  sql(tx).enqueue`
    INSERT INTO retry_policies (id, version, document, actor, created_at)
    VALUES (${id}, ${version}, ${JSON.stringify(document)}::jsonb, ${JSON.stringify(actor)}::jsonb, ${created_at})`;
}
