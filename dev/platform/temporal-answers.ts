/**
 * What every Temporal server of the platform must offer, and how one knows that it does.
 *
 * Owns: the search attributes of Perennial's workflows as the platform registers them, the namespace `default`,
 * the probe. Invariant: a server counts as started when frontend, history, matching and visibility have each
 * answered; right after its port opens the last three do not yet.
 */
import { Connection } from '@temporalio/client';
import { msToTs } from '@temporalio/common';
import { temporal } from '@temporalio/proto';
import { grpcCodes } from '../../temporal/grpc-codes';
import { reasonOf } from './errors';
import { canConnect } from './waiting';

const type = temporal.api.enums.v1.IndexedValueType;

/** Search attributes by name, with the type's name in the CLI and its number in the API. */
export const searchAttributes = {
  SubscriptionId: { cli: 'Keyword', api: type.INDEXED_VALUE_TYPE_KEYWORD },
  CustomerId: { cli: 'Keyword', api: type.INDEXED_VALUE_TYPE_KEYWORD },
  PaymentId: { cli: 'Keyword', api: type.INDEXED_VALUE_TYPE_KEYWORD },
  BillingStatus: { cli: 'Keyword', api: type.INDEXED_VALUE_TYPE_KEYWORD },
} as const;

const namespace = 'default';
const deadlineMs = 3_000;

function hasCode(error: unknown, code: number): boolean {
  return (error as { code?: unknown }).code === code;
}

async function withConnection<T>(port: number, use: (connection: Connection) => Promise<T>): Promise<T> {
  await canConnect('127.0.0.1', port);
  const connection = await Connection.connect({ address: `127.0.0.1:${port}`, connectTimeout: deadlineMs });
  try {
    return await connection.withDeadline(Date.now() + 4 * deadlineMs, () => use(connection));
  } finally {
    await connection.close();
  }
}

/** @throws until every part of the server answers, with the search attributes known. */
export async function temporalAnswers(port: number): Promise<void> {
  await withConnection(port, async ({ workflowService }) => {
    const history = workflowService
      .describeWorkflowExecution({ namespace, execution: { workflowId: 'perennial-platform-probe' } })
      .catch((error: unknown) => {
        if (!hasCode(error, grpcCodes.notFound) || !/workflow/i.test(reasonOf(error))) throw error;
      });
    const matching = workflowService.describeTaskQueue({
      namespace,
      taskQueue: { name: 'perennial-platform-probe' },
      taskQueueType: temporal.api.enums.v1.TaskQueueType.TASK_QUEUE_TYPE_WORKFLOW,
    });
    const query = Object.entries(searchAttributes)
      .map(([name]) => `${name} = 'probe'`)
      .join(' AND ');
    const visibility = workflowService.countWorkflowExecutions({ namespace, query });
    await Promise.all([history, matching, visibility]);
  });
}

/**
 * Makes the namespace and the search attributes where they do not exist.
 * @throws while the server cannot do it yet; worth repeating
 */
export async function completeTemporal(port: number): Promise<void> {
  await withConnection(port, async ({ workflowService, operatorService }) => {
    await workflowService
      .registerNamespace({ namespace, workflowExecutionRetentionPeriod: msToTs('7 days') })
      .catch((error: unknown) => {
        if (!hasCode(error, grpcCodes.alreadyExists)) throw error;
      });
    const { customAttributes } = await operatorService.listSearchAttributes({ namespace });
    const missing = Object.entries(searchAttributes).filter(([name]) => !(name in (customAttributes ?? {})));
    if (missing.length === 0) return;
    await operatorService.addSearchAttributes({
      namespace,
      searchAttributes: Object.fromEntries(missing.map(([name, { api }]) => [name, api])),
    });
  });
}
