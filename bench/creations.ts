/**
 * Subscriptions created and paid per second over HTTP, as a ratio to a bare Temporal floor in the same run.
 *
 * Not measured: a provider's real latency (the sandbox answers at once), several machines, Temporal's own cluster.
 */
import { randomUUID } from 'node:crypto';
import { Client, WithStartWorkflowOperation } from '@temporalio/client';
import { bundleWorkflowCode, DefaultLogger, NativeConnection, Runtime, Worker } from '@temporalio/worker';
import type { System } from '../infra/platform/system';
import { runMany, shown, type Figures } from './load';

const runs = 400;
const concurrency = 20;
const warmUps = 60;

export async function benchCreations(system: System, say: (line: string) => void): Promise<void> {
  const floor = await measureFloor(system.platform.environment['TEMPORAL_ADDRESS'] ?? '');
  say(`  floor (update-with-start, one empty local activity): ${shown(floor)}`);
  const creations = await measureCreations(system);
  say(`  POST /subscriptions, first payment taken: ${shown(creations)}`);
  say(`  ratio ${(creations.perSecond / floor.perSecond).toFixed(2)}`);
}

async function measureFloor(address: string): Promise<Figures> {
  Runtime.install({ logger: new DefaultLogger('ERROR') });
  const connection = await NativeConnection.connect({ address });
  const worker = await Worker.create({
    connection,
    taskQueue: 'floor',
    workflowBundle: await bundleWorkflowCode({
      workflowsPath: require.resolve('./floor/workflows'),
      logger: new DefaultLogger('ERROR'),
    }),
    activities: { nothing: async () => undefined },
  });
  const client = new Client({ connection });
  const once = async (): Promise<void> => {
    const startWorkflowOperation = new WithStartWorkflowOperation('floor', {
      workflowId: `floor/${randomUUID()}`,
      taskQueue: 'floor',
      workflowIdConflictPolicy: 'USE_EXISTING',
    });
    await client.workflow.executeUpdateWithStart('awaitDone', { startWorkflowOperation });
  };
  const figures = await worker.runUntil(async () => {
    await runMany(warmUps, concurrency, once);
    return runMany(runs, concurrency, once);
  });
  await connection.close();
  return figures;
}

async function measureCreations({ apiUrl, apiKey }: System): Promise<Figures> {
  const post = async (path: string, body: object, wanted: number): Promise<{ id: string }> => {
    const response = await fetch(`${apiUrl}${path}`, {
      method: 'POST',
      headers: { Authorization: `Bearer ${apiKey}`, 'Content-Type': 'application/json' },
      body: JSON.stringify(body),
    });
    const answer = (await response.json()) as { id: string };
    if (response.status !== wanted)
      throw new Error(`${path} answered ${response.status}: ${JSON.stringify(answer)}`);
    return answer;
  };
  const plan = await post(
    '/plans',
    { name: 'Bench', currency: 'EUR', amount: 1000, interval: { unit: 'month', count: 1 } },
    201,
  );
  const customer = await post('/customers', {}, 201);
  const token = `tok_ok#${randomUUID()}`;
  await post(`/customers/${customer.id}/payment-methods`, { provider: 'sandbox', token, default: true }, 201);
  const once = async (): Promise<void> => {
    await post('/subscriptions', { customer_id: customer.id, plan_id: plan.id }, 201);
  };
  await runMany(warmUps, concurrency, once);
  return runMany(runs, concurrency, once);
}
