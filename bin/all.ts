/** Everything in one process, for development: sandbox provider, workers, bridge, API. Production runs them apart. */
import { taskQueues } from '../contracts/workflows/workflows';
import { Health } from './health';
import { Metrics, serveMetrics } from './metrics';
import { runProcess, type Part } from './process';
import { startApi } from './start-api';
import { startBridge } from './start-bridge';
import { startSandbox } from './start-sandbox';
import { startWorkers, type Service } from './start-worker';

runProcess('all', async (context) => {
  const sandbox: Part[] =
    context.config.ALLOW_SANDBOX && context.config.SANDBOX_PROVIDER_URL === undefined
      ? await startSandbox(context)
      : [];
  const [metrics, health] = [new Metrics(), new Health()];
  const served = await serveMetrics(metrics, context, health);
  const [workers, bridge, api] = await Promise.all([
    startWorkers(context, Object.keys(taskQueues) as Service[], metrics, health),
    startBridge(context, metrics, health),
    startApi(context, metrics),
  ]);
  // New work stops first; what serves the others closes last.
  return [health.started(), ...api, ...bridge, ...workers, ...served, ...sandbox];
});
