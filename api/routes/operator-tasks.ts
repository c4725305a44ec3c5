/** Routes of operator tasks. */
import { z } from 'zod';
import * as tasks from '../../billing/operator/tasks';
import { id } from '../../contracts/fields';
import { listOf } from '../../contracts/http/lists';
import { listOperatorTasks, operatorTask, resolveOperatorTask } from '../../contracts/http/operator-tasks';
import { pageBody, readPage } from '../http/cursors';
import { route } from '../http/route';

const tag = 'Operator tasks';
const list = 'operator-tasks';
const params = z.object({ operator_task_id: id });

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
      const page = await tasks.listOperatorTasks(db, query, readPage(list, query));
      return { status: 200, body: pageBody(list, page) };
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
      'attempt or the refund as if the provider had reported it.',
    scope: 'operator',
    params,
    body: resolveOperatorTask,
    answers: { 200: { description: 'The resolved task.', schema: operatorTask } },
    problems: ['not_found', 'operator_task_resolved'],
    async handle({ params: { operator_task_id: taskId }, body, caller, trace }, { db, payments }) {
      const { paymentId } = await tasks.resolveOperatorTask(db, taskId, body, { callerId: caller.id, trace });
      if (paymentId !== null) await payments.refreshPayment(paymentId);
      return { status: 200, body: await tasks.readOperatorTask(db, taskId) };
    },
  }),
];
