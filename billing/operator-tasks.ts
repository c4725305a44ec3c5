/**
 * Operator tasks: what an operator has to decide, one row for each kind and subject.
 *
 * Invariants: a task is raised once, whatever is repeated; one that an operator has resolved is opened again only where
 * the caller says so.
 */
import type { Actor } from '../contracts/fields';
import { derivedId } from '../domain/ids';
import type { OperatorTaskKind, OperatorTaskSubject } from '../domain/payment/operator-task';
import type { Transaction } from '../prisma/client';
import { sql } from '../prisma/sql';

/** Raises an operator task; raised before: nothing happens. */
export function enqueueOperatorTask(
  tx: Transaction,
  kind: OperatorTaskKind,
  subject: OperatorTaskSubject,
  detail: string,
  now: Date,
): void {
  sql(tx).enqueue`
    INSERT INTO operator_tasks (id, kind, subject_type, subject_id, detail, created_at)
    VALUES (${derivedId('operator_task', [kind, subject.id])}, ${kind}, ${subject.type}, ${subject.id}, ${detail}, ${now})
    ON CONFLICT DO NOTHING`;
}

/**
 * Raises an operator task, or opens it again where the earlier decision did not help. One that is open has the newer
 * detail from then on: what it says is what is asked now.
 */
export function enqueueReopenedTask(
  tx: Transaction,
  kind: OperatorTaskKind,
  subject: OperatorTaskSubject,
  detail: string,
  now: Date,
): void {
  sql(tx).enqueue`
    INSERT INTO operator_tasks AS task (id, kind, subject_type, subject_id, detail, created_at)
    VALUES (${derivedId('operator_task', [kind, subject.id])}, ${kind}, ${subject.type}, ${subject.id}, ${detail}, ${now})
    ON CONFLICT (kind, subject_type, subject_id) DO UPDATE
      SET status = 'open', resolved_at = NULL, resolution = NULL, detail = excluded.detail
      WHERE task.status <> 'open' OR task.detail <> excluded.detail`;
}

/** Writes what is asked from now on by an open task; `asked` before: another question is left as it is. */
export function enqueueNewDetail(
  tx: Transaction,
  kind: OperatorTaskKind,
  subject: OperatorTaskSubject,
  { asked, detail }: { asked: string; detail: string },
): void {
  sql(tx).enqueue`
    UPDATE operator_tasks SET detail = ${detail}
    WHERE kind = ${kind} AND subject_type = ${subject.type} AND subject_id = ${subject.id} AND status = 'open'
      AND detail = ${asked}`;
}

/**
 * Resolves an operator task that an action has answered; resolved before, or never raised: nothing happens.
 * @param asked only while this is what it asks; left out: whatever it asks
 */
export function enqueueAnsweredTask(
  tx: Transaction,
  kind: OperatorTaskKind,
  subject: OperatorTaskSubject,
  resolution: { actor: Actor; reason: string },
  now: Date,
  asked: string | null = null,
): void {
  sql(tx).enqueue`
    UPDATE operator_tasks SET status = 'resolved', resolved_at = ${now},
      resolution = ${JSON.stringify({ ...resolution, outcome: null })}::jsonb
    WHERE kind = ${kind} AND subject_type = ${subject.type} AND subject_id = ${subject.id} AND status = 'open'
      AND (${asked}::text IS NULL OR detail = ${asked})`;
}

/** Whether an operator was ever asked. */
export async function wasOperatorAsked(
  tx: Transaction,
  kind: OperatorTaskKind,
  subject: OperatorTaskSubject,
): Promise<boolean> {
  const rows = await sql(tx).query`
    SELECT FROM operator_tasks
    WHERE kind = ${kind} AND subject_type = ${subject.type} AND subject_id = ${subject.id} LIMIT 1`;
  return rows.length > 0;
}
