/** The REST API. */
import { Metrics, serveMetrics } from './metrics';
import { runProcess } from './process';
import { startApi } from './start-api';

runProcess('api', async (context) => [
  ...(await startApi(context)),
  ...(await serveMetrics(new Metrics(), context)),
]);
