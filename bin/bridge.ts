/** The bridge between PostgreSQL, Kafka and Temporal. */
import { Metrics, serveMetrics } from './metrics';
import { runProcess } from './process';
import { startBridge } from './start-bridge';

runProcess('bridge', async (context) => {
  const metrics = new Metrics();
  return [...(await startBridge(context, metrics)), ...(await serveMetrics(metrics, context))];
});
