/**
 * Idempotency-Key: the same key and body get the same answer, and the effect happens once.
 *
 * Owns the rows of `idempotency_keys`. Invariants:
 * - At any moment one request holds the lease of a key. PostgreSQL's clock judges leases.
 * - An answer of 500 and above, or 429, is never kept.
 * - A run that was cut off is taken over when its lease ends. It finds what the earlier run created by the same derived
 *   ids, or by what that run recorded in the same transaction as the effect.
 */
import type { Logger } from 'pino';
import { ProblemError, validationFailed } from '../contracts/problem-error';
import type { Database, Transaction } from '../prisma/client';
import { sql } from '../prisma/sql';

export interface KeyedRequest {
  apiKeyId: string;
  key: string;
  requestHash: string;
  /** A fresh UUID. */
  holder: string;
  /** Until a repeat takes over. */
  leaseSeconds: number;
}

/** The right to run under an Idempotency-Key; one request holds it at a time. */
export interface Lease {
  apiKeyId: string;
  key: string;
  /** Names the request that holds it. */
  holder: string;
}

/** An answer as repeats get it. */
export interface KeptAnswer {
  status: number;
  headers: Record<string, string>;
  /** The body's text. */
  kept: string | null;
  /** What was created or changed. */
  subjectId: string | null;
  /** The kind of it (`domain/subjects.ts`). */
  subjectType: string | null;
  /** The customer whose personal data the body holds. */
  personalDataOf: string | null;
}

/** What is stored beside the body; `made` is there before the answer is. */
interface StoredFacts {
  made?: string;
  personal_data_of?: string | null;
  subject_id?: string | null;
  subject_type?: string | null;
  headers?: Record<string, string>;
}

/** Reads the header's value, if one was sent. @throws ProblemError `validation_failed` */
export function readIdempotencyKey(header: string | string[] | undefined): string | null {
  if (header === undefined) return null;
  if (typeof header === 'string' && /^[\x20-\x7e]{1,255}$/.test(header)) return header;
  const message = 'must be 1 to 255 printable ASCII characters';
  throw validationFailed([{ path: 'Idempotency-Key', message }]);
}

/**
 * Runs `work` under the key, or finds what an earlier run answered.
 * @param work must not throw; its refusals are answers like any other
 * @throws ProblemError `idempotency_key_reused`, `idempotency_key_in_flight`
 */
export async function answerOnce<Answer extends KeptAnswer>(
  db: Database,
  log: Logger,
  request: KeyedRequest,
  work: (lease: Lease) => Promise<Answer>,
): Promise<{ fresh: Answer } | { repeated: KeptAnswer }> {
  const acquired = await acquire(db, request);
  if ('repeated' in acquired) return acquired;
  const { lease } = acquired;
  const answer = await work(lease);
  try {
    if (answer.status >= 500 || answer.status === 429) {
      await release(db, lease);
      return { fresh: answer };
    }
    const earlier = await keep(db, lease, answer);
    return earlier === null ? { fresh: answer } : { repeated: earlier };
  } catch (error) {
    // The effect is committed and the caller gets its answer. A repeat waits for the lease to end and runs again.
    log.error({ err: error, api_key_id: request.apiKeyId }, 'idempotent response not stored');
    return { fresh: answer };
  }
}

async function acquire(
  db: Database,
  request: KeyedRequest,
): Promise<{ lease: Lease } | { repeated: KeptAnswer }> {
  const { apiKeyId, key, requestHash, holder, leaseSeconds } = request;
  const [held] = await sql(db).query<object[]>`
    INSERT INTO idempotency_keys (api_key_id, key, request_hash, lease_until, lease_holder)
    VALUES (${apiKeyId}, ${key}, ${requestHash}, clock_timestamp() + make_interval(secs => ${leaseSeconds}), ${holder})
    ON CONFLICT (api_key_id, key) DO UPDATE
      SET lease_until = EXCLUDED.lease_until, lease_holder = EXCLUDED.lease_holder
      WHERE idempotency_keys.status IS NULL
        AND idempotency_keys.request_hash = EXCLUDED.request_hash
        AND idempotency_keys.lease_until <= clock_timestamp()
    RETURNING key`;
  if (held !== undefined) return { lease: { apiKeyId, key, holder } };
  const known = await db.idempotencyKey.findUniqueOrThrow({
    where: { api_key_id_key: { api_key_id: apiKeyId, key } },
  });
  if (known.request_hash !== requestHash) {
    const detail = 'Send another Idempotency-Key for another request.';
    throw new ProblemError('idempotency_key_reused', detail);
  }
  if (known.status === null) {
    throw new ProblemError('idempotency_key_in_flight', 'The first request with this key is still running.');
  }
  return { repeated: keptAnswerOf(known) };
}

function keptAnswerOf(row: { status: number | null; headers: unknown; body: unknown }): KeptAnswer {
  const facts = (row.headers ?? {}) as StoredFacts;
  return {
    status: row.status ?? 500,
    headers: facts.headers ?? {},
    kept: typeof row.body === 'string' ? row.body : null,
    subjectId: facts.subject_id ?? null,
    subjectType: facts.subject_type ?? null,
    personalDataOf: null,
  };
}

/**
 * Stores the answer.
 * @returns the answer of the request that took the lease over meanwhile, so that all callers get the same; else null
 */
async function keep(db: Database, lease: Lease, answer: KeptAnswer): Promise<KeptAnswer | null> {
  const facts = {
    personal_data_of: answer.personalDataOf,
    subject_id: answer.subjectId,
    subject_type: answer.subjectType,
    headers: answer.headers,
  } satisfies StoredFacts;
  // The body is a JSON text within JSON: jsonb would reorder the members of an object.
  const body = answer.kept === null ? null : JSON.stringify(answer.kept);
  const count = await sql(db).execute`
    UPDATE idempotency_keys
    SET status = ${answer.status}, headers = coalesce(headers, '{}') || ${JSON.stringify(facts)}::jsonb, body = ${body}::jsonb,
        completed_at = clock_timestamp()
    WHERE api_key_id = ${lease.apiKeyId} AND key = ${lease.key}
      AND lease_holder = ${lease.holder} AND status IS NULL`;
  if (count === 1) return null;
  const other = await db.idempotencyKey.findUnique({
    where: { api_key_id_key: { api_key_id: lease.apiKeyId, key: lease.key } },
  });
  return other === null || other.status === null ? null : keptAnswerOf(other);
}

async function release(db: Database, lease: Lease): Promise<void> {
  await db.idempotencyKey.updateMany({
    where: { api_key_id: lease.apiKeyId, key: lease.key, lease_holder: lease.holder, status: null },
    data: { lease_until: new Date(0) },
  });
}

/**
 * Records, in the effect's own transaction, what the request created. A run that takes over then distinguishes its own
 * earlier effect from another caller's.
 */
export async function recordCreated(tx: Transaction, lease: Lease | null, id: string): Promise<void> {
  if (lease === null) return;
  const facts = { made: id } satisfies StoredFacts;
  await sql(tx).execute`
    UPDATE idempotency_keys SET headers = ${JSON.stringify(facts)}::jsonb
    WHERE api_key_id = ${lease.apiKeyId} AND key = ${lease.key} AND status IS NULL`;
}

/**
 * Whether a request under this key created the thing with this id. Read in the transaction that found the id taken: the run
 * that lost its lease may have committed since the lease was acquired.
 */
export async function hasCreated(tx: Transaction, lease: Lease | null, id: string): Promise<boolean> {
  if (lease === null) return false;
  const [row] = await sql(tx).query<{ made: string | null }[]>`
    SELECT headers ->> 'made' AS made FROM idempotency_keys
    WHERE api_key_id = ${lease.apiKeyId} AND key = ${lease.key}`;
  return row?.made === id;
}
