/**
 * The audit log: every call of a known API key that asked for a change, and its answer; and every record from outside
 * that was accepted.
 *
 * Owns the rows of `audit_log`. Invariants: a record's row is part of the transaction that accepts it; a failure to write
 * a call's row never changes its answer, and is logged with all that the row would have held.
 */
import type { Logger } from 'pino';
import type { RecordedActor } from '../contracts/fields';
import type { Database, Transaction } from '../prisma/client';
import { sql } from '../prisma/sql';

const timeoutMs = 2_000;

export interface AuditEntry {
  apiKeyId: string;
  /** The caller's reason for an operator's decision, where the call has such a field. */
  reason: string | null;
  /** Method and route pattern, such as `POST /subscriptions`. */
  action: string;
  subjectId: string | null;
  requestId: string;
  status: number;
  detail: Record<string, string | boolean>;
}

/** Writes the row of a call; waits for it no longer than 2 s. */
export async function audit(db: Database, log: Logger, entry: AuditEntry): Promise<void> {
  const actor = { kind: 'api_key', id: entry.apiKeyId, reason: entry.reason };
  const written = sql(db).execute`
    INSERT INTO audit_log (actor, action, subject_id, request_id, status, detail)
    VALUES (${JSON.stringify(actor)}::jsonb, ${entry.action}, ${entry.subjectId}, ${entry.requestId},
      ${entry.status}, ${JSON.stringify(entry.detail)}::jsonb)`.then(
    () => undefined,
    (error: unknown) => log.error({ err: error, audit: entry }, 'audit entry not written'),
  );
  let timer: NodeJS.Timeout | undefined;
  const timedOut = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, timeoutMs);
  });
  await Promise.race([written, timedOut]);
  clearTimeout(timer);
}

export interface RecordAudit {
  actor: RecordedActor;
  topic: string;
  /** Of the record, as its producer gave it. */
  eventId: string;
  subjectId: string;
}

const longestEventId = 200;
const accepted = 202;

/** Writes the row of a record from outside, in the transaction that accepts it. */
export function enqueueRecordAudit(tx: Transaction, { actor, topic, eventId, subjectId }: RecordAudit): void {
  sql(tx).enqueue`
    INSERT INTO audit_log (actor, action, subject_id, request_id, status)
    VALUES (${JSON.stringify(actor)}::jsonb, ${topic}, ${subjectId}, ${eventId.slice(0, longestEventId)}, ${accepted})`;
}
