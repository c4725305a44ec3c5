/** A worker with nothing but the floor's workflows, in this process. */
import { bundleWorkflowCode, DefaultLogger, NativeConnection, Runtime, Worker } from '@temporalio/worker';
import { Client } from '@temporalio/client';

export interface FloorWorker {
  client: Client;
  worker: Worker;
  close(): Promise<void>;
}

let isInstalled = false;

/** @param cachedWorkflows undefined: as many as the SDK keeps by itself */
export async function floorWorker(
  address: string,
  nothing: () => Promise<void>,
  cachedWorkflows?: number,
): Promise<FloorWorker> {
  if (!isInstalled) Runtime.install({ logger: new DefaultLogger('ERROR') });
  isInstalled = true;
  const connection = await NativeConnection.connect({ address });
  const worker = await Worker.create({
    connection,
    taskQueue: 'floor',
    workflowBundle: await bundleWorkflowCode({
      workflowsPath: require.resolve('./workflows'),
      logger: new DefaultLogger('ERROR'),
    }),
    activities: { nothing },
    maxCachedWorkflows: cachedWorkflows,
  });
  return { client: new Client({ connection }), worker, close: () => connection.close() };
}
