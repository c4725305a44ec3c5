/** The REST API. */
import { Metrics, serveMetrics } from './metrics';
import { runProcess } from './process';
import { startApi } from './start-api';

runProcess('api', async (context) => {
  const metrics = new Metrics();
  return [...(await startApi(context, metrics)), ...(await serveMetrics(metrics, context))];
});
