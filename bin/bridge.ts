/** The bridge between PostgreSQL, Kafka and Temporal. */
import { Health } from './health';
import { Metrics, serveMetrics } from './metrics';
import { runProcess } from './process';
import { startBridge } from './start-bridge';

runProcess('bridge', async (context) => {
  const [metrics, health] = [new Metrics(), new Health()];
  const served = await serveMetrics(metrics, context, health);
  const bridge = await startBridge(context, metrics, health);
  return [health.started(), ...bridge, ...served];
});
