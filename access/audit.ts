/**
 * The audit log: every call of a known API key that asks for a change or shows a secret, every record from outside that was
 * accepted, failed sign-ins (`sign-ins.ts`), and what `bin/migrate` does to the bootstrap key.
 *
 * Owns the rows of `audit_log`. Invariants: a call's row is committed before its effect begins, or there is no effect; its
 * outcome is written once, afterwards; the row of a record, or of a program, is part of the transaction that does it. A row without an outcome
 * says that the effect may have happened or not. The database refuses any other change of a row.
 */
import type { Logger } from 'pino';
import { systemActor, type RecordedActor } from '../contracts/fields';
import { ProblemError } from '../contracts/problem-error';
import type { Database, Transaction } from '../prisma/client';
import { sql } from '../prisma/sql';

const timeoutMs = 2_000;

/** Facts beside the columns; never a secret. */
export type AuditDetail = Record<string, string | boolean | object>;

export interface AuditIntent {
  actor: RecordedActor;
  /** Method and route pattern, such as `POST /subscriptions`. */
  action: string;
  subjectId: string | null;
  requestId: string;
  detail: AuditDetail;
}

export interface AuditOutcome {
  status: number;
  /** Where the answer says it; what was known before stays otherwise. */
  subjectId: string | null;
  /** Beside what the row has already. */
  detail: AuditDetail;
}

/**
 * Commits the row of what is about to be done; waits for it no longer than 2 s.
 * @returns the row's id, for {@link completeAudit}
 * @throws ProblemError `unavailable`: nothing may be done then
 */
export async function beginAudit(db: Database, log: Logger, intent: AuditIntent): Promise<bigint> {
  const written = insert(db, intent, null);
  const id = await within(written.catch((error: unknown) => logLoss(log, intent, error)));
  if (id !== undefined) return id;
  // A row that is written late precedes no effect, and says so.
  const refused = { status: 503, subjectId: null, detail: { code: 'unavailable' } };
  void written.then(
    (lateId) => completeAudit(db, log, lateId, refused),
    () => undefined,
  );
  throw new ProblemError(
    'unavailable',
    'The audit log cannot be written now. Nothing was changed. Try again.',
  );
}

/** Writes the outcome, once; waits for it no longer than 2 s. A failure leaves the row without one, and is logged. */
export async function completeAudit(
  db: Database,
  log: Logger,
  id: bigint,
  { status, subjectId, detail }: AuditOutcome,
): Promise<void> {
  const written = sql(db).execute`
    UPDATE audit_log SET status = ${status}, subject_id = COALESCE(${subjectId}, subject_id),
      detail = detail || ${JSON.stringify(detail)}::jsonb
    WHERE id = ${id} AND status IS NULL`;
  await within(
    written.catch((error: unknown) =>
      log.error({ err: error, audit_id: String(id), status }, 'audit outcome not written'),
    ),
  );
}

/** Writes the row of what had no effect; waits for it no longer than 2 s. A failure changes no answer, and is logged. */
export async function auditRefusal(
  db: Database,
  log: Logger,
  intent: AuditIntent,
  status: number,
): Promise<void> {
  await within(insert(db, intent, status).catch((error: unknown) => logLoss(log, intent, error)));
}

async function insert(
  db: Database,
  { actor, action, subjectId, requestId, detail }: AuditIntent,
  status: number | null,
): Promise<bigint> {
  const [row] = await sql(db).query<[{ id: bigint }]>`
    INSERT INTO audit_log (actor, action, subject_id, request_id, status, detail)
    VALUES (${JSON.stringify(actor)}::jsonb, ${action}, ${subjectId}, ${requestId}, ${status},
      ${JSON.stringify(detail)}::jsonb)
    RETURNING id`;
  return row.id;
}

/** What people wrote is no part of the log. */
function logLoss(log: Logger, intent: AuditIntent, error: unknown): undefined {
  const audit = { ...intent, actor: { ...intent.actor, reason: null } };
  log.error({ err: error, audit }, 'audit entry not written');
}

/** Returns what the work returns; undefined when it takes longer than 2 s. */
async function within<T>(work: Promise<T>): Promise<T | undefined> {
  let timer: NodeJS.Timeout | undefined;
  const timedOut = new Promise<undefined>((resolve) => {
    timer = setTimeout(resolve, timeoutMs, undefined);
  });
  try {
    return await Promise.race([work, timedOut]);
  } finally {
    clearTimeout(timer);
  }
}

export interface RecordAudit {
  actor: RecordedActor;
  topic: string;
  /** Of the record, as its producer gave it. */
  eventId: string;
  /** What it is about. */
  subject: { type: string; id: string };
}

export interface ProgramAudit {
  /** Such as `migrate`. */
  program: string;
  subjectId: string;
  status: number;
  detail: AuditDetail;
}

/** Writes the row of what a program did by itself, asked by no call, in the transaction that does it. */
export function enqueueProgramAudit(
  tx: Transaction,
  { program, subjectId, status, detail }: ProgramAudit,
): void {
  const action = `bin/${program}`;
  sql(tx).enqueue`
    INSERT INTO audit_log (actor, action, subject_id, request_id, status, detail)
    VALUES (${JSON.stringify(systemActor(program))}::jsonb, ${action}, ${subjectId}, ${action}, ${status},
      ${JSON.stringify(detail)}::jsonb)`;
}

const longestEventId = 200;
const accepted = 202;

/** Writes the row of a record from outside, in the transaction that accepts it. */
export function enqueueRecordAudit(tx: Transaction, { actor, topic, eventId, subject }: RecordAudit): void {
  sql(tx).enqueue`
    INSERT INTO audit_log (actor, action, subject_id, request_id, status, detail)
    VALUES (${JSON.stringify(actor)}::jsonb, ${topic}, ${subject.id}, ${eventId.slice(0, longestEventId)}, ${accepted},
      ${JSON.stringify({ subject_type: subject.type })}::jsonb)`;
}
