/**
 * What a person has to decide: one row for each kind and subject.
 *
 * Invariants: asked once, whatever is repeated; what a person has resolved is asked again only where that is said.
 */
import { derivedId } from '../domain/ids';
import type { OperatorTaskKind, OperatorTaskSubject } from '../domain/payment/operator-task';
import type { Transaction } from '../prisma/client';
import { sql } from '../prisma/sql';

/** Asks for a person's decision; asked once. */
export async function raiseOperatorTask(
  tx: Transaction,
  kind: OperatorTaskKind,
  subject: OperatorTaskSubject,
  detail: string,
  now: Date,
): Promise<void> {
  const unique = { kind, subject_type: subject.type, subject_id: subject.id };
  await tx.operatorTask.createMany({
    data: [{ id: derivedId('operator_task', [kind, subject.id]), ...unique, detail, created_at: now }],
    skipDuplicates: true,
  });
}

/** Asks again, with the newer words, where the earlier decision turned out not to help. */
export async function raiseOperatorTaskAgain(
  tx: Transaction,
  kind: OperatorTaskKind,
  subject: OperatorTaskSubject,
  detail: string,
  now: Date,
): Promise<void> {
  await raiseOperatorTask(tx, kind, subject, detail, now);
  await sql(tx).execute`
    UPDATE operator_tasks SET status = 'open', resolved_at = NULL, resolution = NULL, detail = ${detail}
    WHERE kind = ${kind} AND subject_type = ${subject.type} AND subject_id = ${subject.id} AND status <> 'open'`;
}

/** Whether a person was ever asked. */
export async function wasOperatorAsked(
  tx: Transaction,
  kind: OperatorTaskKind,
  subject: OperatorTaskSubject,
): Promise<boolean> {
  const where = { kind, subject_type: subject.type, subject_id: subject.id };
  return (await tx.operatorTask.count({ where })) > 0;
}
