/** Everything in one process, for development: sandbox provider, workers, bridge, API. Production runs them apart. */
import { taskQueues } from '../contracts/workflows/workflows';
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
  const metrics = new Metrics();
  const [workers, bridge, api, served] = await Promise.all([
    startWorkers(context, Object.keys(taskQueues) as Service[], metrics),
    startBridge(context, metrics),
    startApi(context, metrics),
    serveMetrics(metrics, context),
  ]);
  // New work stops first; what serves the others closes last.
  return [...api, ...bridge, ...workers, ...served, ...sandbox];
});
