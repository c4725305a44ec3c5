/**
 * Idempotency-Key: the same key and body get the same answer, and the effect happens once.
 *
 * Owns: the rows of `idempotency_keys`. Invariants: at any moment one request holds the lease of a key; leases are
 * judged by PostgreSQL's clock; an answer of 500 and above, or 429, is never kept; a run that was cut off is taken
 * over when its lease ends and finds what it made by the same derived ids, or by what it remembered in the same
 * transaction as the effect.
 */
import type { Logger } from 'pino';
import type { Database, Transaction } from '../prisma/client';
import { sql } from '../prisma/sql';
import type { Lease } from './lease';
import { ProblemError, validationFailed } from '../api/http/problems';
import type { Reply } from '../api/http/reply';

const leaseSeconds = 30;

export interface KeyedRequest {
  apiKeyId: string;
  key: string;
  requestHash: string;
  /** A fresh UUID. */
  holder: string;
}

/** What is kept beside the body; `made` is there before the answer is. */
interface Kept {
  made?: string;
  personal_data_of?: string | null;
  subject_id?: string | null;
  headers?: Record<string, string>;
}

/** The header's value, if one was sent. @throws ProblemError `validation_failed` */
export function readIdempotencyKey(header: string | string[] | undefined): string | null {
  if (header === undefined) return null;
  if (typeof header === 'string' && /^[\x20-\x7e]{1,255}$/.test(header)) return header;
  const message = 'must be 1 to 255 printable ASCII characters';
  throw validationFailed([{ path: 'Idempotency-Key', message }]);
}

/**
 * Runs `work` under the key, or answers what an earlier run answered.
 * @param work must not throw; its refusals are answers like any other
 * @throws ProblemError `idempotency_key_reused`, `idempotency_key_in_flight`
 */
export async function answerOnce(
  db: Database,
  log: Logger,
  request: KeyedRequest,
  work: (lease: Lease) => Promise<Reply>,
): Promise<Reply> {
  const lease = await acquire(db, request);
  if ('status' in lease) return lease;
  const reply = await work(lease);
  try {
    if (reply.status >= 500 || reply.status === 429) {
      await release(db, lease);
      return reply;
    }
    return (await keep(db, lease, reply)) ?? reply;
  } catch (error) {
    // The effect is committed and the caller gets its answer. A repeat waits for the lease to end and runs again.
    log.error({ err: error, api_key_id: request.apiKeyId }, 'idempotent response not stored');
    return reply;
  }
}

async function acquire(db: Database, request: KeyedRequest): Promise<Lease | Reply> {
  const { apiKeyId, key, requestHash, holder } = request;
  const held = await sql(db).query<{ headers: Kept | null }[]>`
    INSERT INTO idempotency_keys (api_key_id, key, request_hash, lease_until, lease_holder)
    VALUES (${apiKeyId}, ${key}, ${requestHash}, clock_timestamp() + make_interval(secs => ${leaseSeconds}), ${holder})
    ON CONFLICT (api_key_id, key) DO UPDATE
      SET lease_until = EXCLUDED.lease_until, lease_holder = EXCLUDED.lease_holder
      WHERE idempotency_keys.status IS NULL
        AND idempotency_keys.request_hash = EXCLUDED.request_hash
        AND idempotency_keys.lease_until <= clock_timestamp()
    RETURNING headers`;
  if (held[0] !== undefined) return { apiKeyId, key, holder, made: held[0].headers?.made ?? null };
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
  return replayOf(known);
}

function replayOf(known: { status: number | null; headers: unknown; body: unknown }): Reply {
  const kept = (known.headers ?? {}) as Kept;
  const text = typeof known.body === 'string' ? known.body : null;
  return {
    status: known.status ?? 500,
    headers: { ...kept.headers, 'Idempotent-Replayed': 'true' },
    text,
    kept: text,
    subjectId: kept.subject_id ?? null,
    personalDataOf: null,
    problem: null,
  };
}

/** @returns the kept answer of whoever took the lease over meanwhile, so that all callers are told the same */
async function keep(db: Database, lease: Lease, reply: Reply): Promise<Reply | null> {
  const kept = {
    personal_data_of: reply.personalDataOf,
    subject_id: reply.subjectId,
    headers: reply.headers,
  } satisfies Kept;
  // The body is a JSON text within JSON: jsonb would reorder the members of an object.
  const body = reply.kept === null ? null : JSON.stringify(reply.kept);
  const count = await sql(db).execute`
    UPDATE idempotency_keys
    SET status = ${reply.status}, headers = ${JSON.stringify(kept)}::jsonb, body = ${body}::jsonb,
        completed_at = clock_timestamp()
    WHERE api_key_id = ${lease.apiKeyId} AND key = ${lease.key}
      AND lease_holder = ${lease.holder} AND status IS NULL`;
  if (count === 1) return null;
  const other = await db.idempotencyKey.findUnique({
    where: { api_key_id_key: { api_key_id: lease.apiKeyId, key: lease.key } },
  });
  return other === null || other.status === null ? null : replayOf(other);
}

async function release(db: Database, lease: Lease): Promise<void> {
  await db.idempotencyKey.updateMany({
    where: { api_key_id: lease.apiKeyId, key: lease.key, lease_holder: lease.holder, status: null },
    data: { lease_until: new Date(0) },
  });
}

/**
 * Notes within the effect's own transaction what the request made, under an id that the caller chose. A run that
 * takes over then tells its own earlier effect from somebody else's.
 */
export async function rememberMade(tx: Transaction, lease: Lease | null, id: string): Promise<void> {
  if (lease === null) return;
  const kept = { made: id } satisfies Kept;
  await tx.idempotencyKey.updateMany({
    where: { api_key_id: lease.apiKeyId, key: lease.key, status: null },
    data: { headers: kept },
  });
}

/** Takes a person's data out of the answers that are kept about them. */
export async function erasePersonalData(
  tx: Transaction,
  customerId: string,
  erased: (body: Record<string, unknown>) => Record<string, unknown>,
): Promise<void> {
  const rows = await tx.idempotencyKey.findMany({
    where: { headers: { path: ['personal_data_of'], equals: customerId } },
    take: 1_000,
  });
  for (const { api_key_id, key, body } of rows) {
    if (typeof body !== 'string') continue;
    await tx.idempotencyKey.update({
      where: { api_key_id_key: { api_key_id, key } },
      data: { body: JSON.stringify(erased(JSON.parse(body) as Record<string, unknown>)) },
    });
  }
}
