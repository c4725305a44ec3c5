/**
 * Routes of operator tasks.
 *
 * Owns: showing them, and taking a person's decision. Invariant: a task is resolved once; the same decision sent again
 * by the same caller is answered as the first one was, and tells the payment's process again.
 */
import { z } from 'zod';
import { id } from '../../contracts/fields';
import { listOf } from '../../contracts/http/lists';
import {
  listOperatorTasks,
  operatorTask,
  resolveOperatorTask,
  type OperatorTask,
  type ResolveOperatorTask,
} from '../../contracts/http/operator-tasks';
import { inTransaction } from '../../prisma/client';
import { taskRow, type TaskRow } from '../../billing/rows';
import { needsOutcome, resolveTask, type Decision } from '../../billing/operator/resolve-task';
import { pageArguments, pageOf } from '../http/cursors';
import type { ApiDependencies } from '../http/dependencies';
import { notFound, ProblemError, validationFailed } from '../../contracts/problem-error';
import { route, type Answer, type Call } from '../http/route';

const tag = 'Operator tasks';
const list = 'operator-tasks';
const params = z.object({ operator_task_id: id });

function toTask(row: TaskRow): OperatorTask {
  const { resolution } = row;
  const at = row.resolved_at?.toISOString();
  return operatorTask.parse({
    ...row,
    subject: { type: row.subject_type, id: row.subject_id },
    created_at: row.created_at.toISOString(),
    resolved: row.status === 'resolved' && resolution !== null ? { at, ...resolution } : null,
  });
}

async function resolve(
  call: Call<z.output<typeof params>, unknown, ResolveOperatorTask>,
  { db, payments }: ApiDependencies,
): Promise<Answer> {
  const where = { id: call.params.operator_task_id };
  const found = await db.operatorTask.findUnique({ where });
  if (found === null) throw notFound('operator task');
  const task = taskRow(found);
  const decision = decisionOf(call, task);
  const before = task.status === 'resolved' ? await resolvedBefore(db, task, decision) : null;
  const done = before ?? (await inTransaction(db, (tx) => resolveTask(tx, task, decision)));
  if (done === null) throw new ProblemError('operator_task_resolved', 'Somebody was faster.');
  if (done.paymentId !== null) await payments.refreshPayment(done.paymentId);
  return { status: 200, body: toTask(taskRow(await db.operatorTask.findUniqueOrThrow({ where }))) };
}

/** @throws ProblemError `validation_failed` when the outcome is missing, or nothing asks for one */
function decisionOf(call: Call<unknown, unknown, ResolveOperatorTask>, task: TaskRow): Decision {
  const { reason, outcome = null, provider_reference = null } = call.body;
  const mistakes = [];
  const wanted = needsOutcome(task);
  if (wanted && outcome === null)
    mistakes.push({ path: 'outcome', message: 'is required for this kind of task' });
  if (!wanted && outcome !== null)
    mistakes.push({ path: 'outcome', message: 'is nothing that this kind of task asks for' });
  if (provider_reference !== null && outcome !== 'succeeded')
    mistakes.push({ path: 'provider_reference', message: 'goes with the outcome succeeded' });
  if (mistakes.length > 0) throw validationFailed(mistakes);
  return { actor: { kind: 'api_key', id: call.caller.id, reason }, reason, outcome, provider_reference };
}

/** An earlier run of the same request may have ended between the decision and telling the process. */
async function resolvedBefore(
  db: ApiDependencies['db'],
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

export const operatorTaskRoutes = [
  route({
    method: 'get',
    path: '/operator-tasks',
    operationId: 'listOperatorTasks',
    tag,
    summary: 'List operator tasks, newest first',
    scope: 'operator',
    query: listOperatorTasks,
    answers: { 200: { description: 'A page.', schema: listOf(operatorTask) } },
    problems: ['malformed_cursor'],
    async handle({ query }, { db }) {
      const { after, ...page } = pageArguments(list, query);
      const { status, kind, subject_id } = query;
      const where = { status, kind, subject_id, ...after };
      const rows = await db.operatorTask.findMany({ where, ...page });
      return { status: 200, body: pageOf(list, query, rows.map(taskRow), toTask) };
    },
  }),
  route({
    method: 'post',
    path: '/operator-tasks/{operator_task_id}/resolve',
    operationId: 'resolveOperatorTask',
    tag,
    summary: 'Decide an operator task',
    description:
      '`unknown_outcome` and `amount_mismatch` need the `outcome` that the provider’s records show; it settles the ' +
      'attempt or the refund as if the provider had told it.',
    scope: 'operator',
    params,
    body: resolveOperatorTask,
    answers: { 200: { description: 'The resolved task.', schema: operatorTask } },
    problems: ['not_found', 'operator_task_resolved'],
    handle: resolve,
  }),
];
