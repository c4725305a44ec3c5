/**
 * The workers. Arguments name the services (`subscription`, `payment`, `retry`, `renewals`); without any, all of them run. Each has
 * to run somewhere: see "Processes" of docs/operations.md.
 */
import { taskQueues } from '../contracts/workflows/workflows';
import { Health } from './health';
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
  const [metrics, health] = [new Metrics(), new Health()];
  const services = wanted.length === 0 ? known : (wanted as Service[]);
  const served = await serveMetrics(metrics, context, health);
  const workers = await startWorkers(context, services, metrics, health);
  return [health.started(), ...workers, ...served];
});
