/** The workers. Arguments name the services (`subscription`, `payment`); without any, all of them run. */
import { taskQueues } from '../contracts/workflows/workflows';
import { Metrics, serveMetrics } from './metrics';
import { runProcess } from './process';
import { startWorkers, type Service } from './start-worker';

const known = Object.keys(taskQueues) as Service[];
const wanted = process.argv.slice(2);
const unknown = wanted.filter((name) => !known.includes(name as Service));
if (unknown.length > 0) {
  process.stderr.write(`There is no service ${unknown.join(', ')}; there are ${known.join(', ')}.\n`);
  process.exit(2);
}
runProcess('worker', async (context) => {
  const metrics = new Metrics();
  const services = wanted.length === 0 ? known : (wanted as Service[]);
  return [...(await startWorkers(context, services, metrics)), ...(await serveMetrics(metrics, context))];
});
