/**
 * Operator tasks as operators see them, and their decisions.
 *
 * Invariant: a task is resolved once; the same decision of the same caller again gets the same answer.
 */
import {
  operatorTask,
  type OperatorTask,
  type ResolveOperatorTask,
} from '../../contracts/http/operator-tasks';
import { notFound, ProblemError, validationFailed } from '../../contracts/problem-error';
import type { TraceContext } from '../../domain/trace';
import { inTransaction, type Database } from '../../prisma/client';
import { newestFirst, pageOf, type Page, type PageRequest } from '../../prisma/pages';
import { taskRow, type TaskRow } from '../rows';
import { needsOutcome, resolveTask, type Decision } from './resolve-task';

function toTask(row: TaskRow): OperatorTask {
  const at = row.resolved_at?.toISOString();
  const { resolution } = row;
  return operatorTask.parse({
    ...row,
    subject: { type: row.subject_type, id: row.subject_id },
    created_at: row.created_at.toISOString(),
    resolved: row.status === 'resolved' && resolution !== null ? { at, ...resolution } : null,
  });
}

export interface TaskFilter {
  status?: string | undefined;
  kind?: string | undefined;
  subject_id?: string | undefined;
}

/** Lists operator tasks, newest first. */
export async function listOperatorTasks(
  db: Database,
  { status, kind, subject_id }: TaskFilter,
  page: PageRequest,
): Promise<Page<OperatorTask>> {
  const { after, ...order } = newestFirst(page);
  const rows = await db.operatorTask.findMany({ where: { status, kind, subject_id, ...after }, ...order });
  return pageOf(rows, page.limit, (row) => toTask(taskRow(row)));
}

/** Reads an operator task. @throws when there is none */
export async function readOperatorTask(db: Database, taskId: string): Promise<OperatorTask> {
  return toTask(taskRow(await db.operatorTask.findUniqueOrThrow({ where: { id: taskId } })));
}

/**
 * Resolves a task by an operator's decision.
 * @returns the payment whose process has to look at its row after the commit; null: none
 * @throws ProblemError `not_found`, `validation_failed`, `operator_task_resolved`
 */
export async function resolveOperatorTask(
  db: Database,
  taskId: string,
  request: ResolveOperatorTask,
  call: { callerId: string; trace: TraceContext },
): Promise<{ paymentId: string | null }> {
  const found = await db.operatorTask.findUnique({ where: { id: taskId } });
  if (found === null) throw notFound('operator task');
  const task = taskRow(found);
  const decision = decisionOf(task, request, call);
  const before = task.status === 'resolved' ? await resolvedBefore(db, task, decision) : null;
  const resolved = before ?? (await inTransaction(db, (tx) => resolveTask(tx, task, decision)));
  if (resolved === null) throw new ProblemError('operator_task_resolved', 'Somebody was faster.');
  return resolved;
}

/** @throws ProblemError `validation_failed` when the outcome is missing, or nothing asks for one */
function decisionOf(
  task: TaskRow,
  request: ResolveOperatorTask,
  { callerId, trace }: { callerId: string; trace: TraceContext },
): Decision {
  const { reason, outcome = null, provider_reference = null, amount = null } = request;
  const mistakes = [];
  const isNeeded = needsOutcome(task);
  if (isNeeded && outcome === null)
    mistakes.push({ path: 'outcome', message: 'is required for this kind of task' });
  if (!isNeeded && outcome !== null)
    mistakes.push({ path: 'outcome', message: 'is nothing that this kind of task asks for' });
  if (amount !== null && (!isNeeded || task.subject_type !== 'payment'))
    mistakes.push({ path: 'amount', message: 'is nothing that this kind of task asks for' });
  if (provider_reference !== null && outcome !== 'succeeded' && amount === null)
    mistakes.push({ path: 'provider_reference', message: 'goes with the outcome succeeded' });
  if (mistakes.length > 0) throw validationFailed(mistakes);
  const actor = { kind: 'api_key', id: callerId, reason } as const;
  return { actor, reason, outcome, provider_reference, amount, trace };
}

/** An earlier run of the same request may have ended between the decision and notifying the process. */
async function resolvedBefore(
  db: Database,
  task: TaskRow,
  { actor, reason, outcome }: Decision,
): Promise<{ paymentId: string | null }> {
  const made = task.resolution;
  const isSame = made?.actor.id === actor.id && made.reason === reason && made.outcome === outcome;
  if (!isSame) throw new ProblemError('operator_task_resolved', `It was resolved by ${made?.actor.id}.`);
  if (!needsOutcome(task)) return { paymentId: null };
  if (task.subject_type !== 'refund') return { paymentId: task.subject_id };
  const refund = await db.refund.findUniqueOrThrow({ where: { id: task.subject_id } });
  return { paymentId: refund.payment_id };
}
