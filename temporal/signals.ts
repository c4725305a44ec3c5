/**
 * Signalling workflows on behalf of a record.
 *
 * Invariant: the request id is the event's, so that Temporal itself drops a repeat of the record for as long as the
 * same run lives; the SDK's own signals carry a random one. Who is signalled still judges by its rows.
 */
import { isGrpcServiceError, type Client } from '@temporalio/client';
import { encodeWorkflowIdReusePolicy } from '@temporalio/common';
import { encodeToPayloads } from '@temporalio/common/lib/internal-non-workflow';
import type { WorkflowStart } from '../contracts/workflows/workflows';

export interface Signal {
  name: string;
  args: unknown[];
  /** Of the record that it follows from. */
  eventId: string;
}

/** Temporal being away is noticed soon, and the record tried again. */
const withinMs = 10_000;

/** gRPC's status: no such workflow runs. */
const notFound = 5;

/** Signals a workflow, if it runs. @throws ServiceError */
export async function signalIfRunning(client: Client, workflowId: string, signal: Signal): Promise<void> {
  await signalWorkflow(client, workflowId, signal).catch((error: unknown) => {
    if (!isGrpcServiceError(error) || (error.code as number) !== notFound) throw error;
  });
}

/** @throws ServiceError, `NOT_FOUND` when no such workflow runs */
export async function signalWorkflow(client: Client, workflowId: string, signal: Signal): Promise<void> {
  const { namespace, identity } = client.options;
  const payloads = await encodeToPayloads(client.options.loadedDataConverter, ...signal.args);
  await client.withDeadline(Date.now() + withinMs, () =>
    client.workflowService.signalWorkflowExecution({
      namespace,
      identity,
      workflowExecution: { workflowId },
      signalName: signal.name,
      input: { payloads },
      requestId: signal.eventId,
    }),
  );
}

/** Starts the workflow when none of its id runs, and signals it. @throws ServiceError */
export async function signalWithStart<Input>(
  client: Client,
  { workflowId, workflowType, taskQueue, args }: WorkflowStart<Input>,
  signal: Signal,
): Promise<void> {
  const { namespace, identity, loadedDataConverter } = client.options;
  const [input, signalInput] = await Promise.all([
    encodeToPayloads(loadedDataConverter, ...args),
    encodeToPayloads(loadedDataConverter, ...signal.args),
  ]);
  await client.withDeadline(Date.now() + withinMs, () =>
    client.workflowService.signalWithStartWorkflowExecution({
      namespace,
      identity,
      workflowId,
      workflowType: { name: workflowType },
      workflowIdReusePolicy: encodeWorkflowIdReusePolicy('ALLOW_DUPLICATE'),
      taskQueue: { name: taskQueue },
      input: { payloads: input },
      signalName: signal.name,
      signalInput: { payloads: signalInput },
      requestId: signal.eventId,
    }),
  );
}
