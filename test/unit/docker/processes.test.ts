/** I13: the processes that have to run, as the guide for operators, the code and docker-compose.yml name them. */
import { taskQueues } from '../../../contracts/workflows/workflows';
import { loadConfig } from '../../../config';
import { own, service, text } from './files';

/** The rows of the table of processes: the command, and what is without it. */
const documented = text('docs', 'operations.md')
  .split('\n')
  .flatMap((line) => {
    const [, command, ...cells] = /^\| `node dist\/bin\/([^`]+)`([^|]*\|)+ *([^|]+?) *\|$/.exec(line) ?? [];
    return command === undefined
      ? []
      : [{ command: command.replace('.js', ''), without: cells.at(-1) ?? '' }];
  });
const workers = Object.keys(taskQueues).map((name) => `worker ${name}`);

test('I13: the guide names a worker for each task queue, and what happens without it', () => {
  const rows = documented.filter(({ command }) => command.startsWith('worker '));
  expect(rows.map(({ command }) => command).sort()).toEqual(workers.sort());
  const retry = rows.find(({ command }) => command === 'worker retry');
  expect(retry?.without).toMatch(/no renewal is announced/);
});

test('I13: the guide names every other process, and what happens without it', () => {
  const others = documented.filter(({ command }) => !command.startsWith('worker '));
  expect(others.map(({ command }) => command).sort()).toEqual(['api', 'bridge', 'migrate', 'sandbox']);
  for (const { command, without } of documented)
    expect([command, without.length > 20]).toEqual([command, true]);
});

test('I13: docker-compose.yml runs each of them, and asks workers and bridge whether they are ready', () => {
  const commands = own.map(([, { command = [] }]) =>
    [command[1]?.replace(/^dist\/bin\/(.*)\.js$/, '$1'), ...command.slice(2)].join(' '),
  );
  expect(commands.sort()).toEqual(documented.map(({ command }) => command).sort());
  const { METRICS_PORT: port } = loadConfig({});
  for (const name of ['worker-subscription', 'worker-payment', 'worker-retry', 'worker-renewals', 'bridge']) {
    expect([name, JSON.stringify(service(name).healthcheck)]).toEqual([
      name,
      expect.stringContaining(`http://127.0.0.1:${port}/readyz`),
    ]);
  }
});

test('I13: the main of the workers names all of them', () => {
  const head = text('bin', 'worker.ts').split('*/')[0];
  for (const name of Object.keys(taskQueues)) expect(head).toContain(`\`${name}\``);
});
