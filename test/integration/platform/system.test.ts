import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { cleanPlatform } from '../../../dev/platform/recovery';
import { isRunning } from '../../../dev/platform/process-identity';
import { readState } from '../../../dev/platform/state';
import { startSystem, type SystemOptions } from '../../../dev/platform/system';

jest.setTimeout(120_000);

const stay = `process.on('SIGTERM', () => { note('stopped'); process.exit(0); }); setInterval(() => {}, 1000);`;
const note = `const note = (text) => require('node:fs').appendFileSync(process.env.NOTES, process.argv[1].match(/(\\w+)\\.js$/)[1] + ' ' + text + '\\n');`;
const mains = {
  migrate: `${note} note(process.env.DATABASE_URL ? 'done' : 'no database');`,
  api: `${note} ${stay} require('node:http').createServer((_, response) => response.end('ready')).listen(process.env.API_PORT, '127.0.0.1');`,
  worker: `${note} ${stay} note('started');`,
};

let folder: string;
const notes = () => readFileSync(join(folder, 'notes'), 'utf8').trim().split('\n');

function options(change: Partial<SystemOptions> = {}): SystemOptions {
  return {
    dir: join(folder, 'platform'),
    ports: 'free',
    productPorts: 'free',
    components: ['postgres'],
    distDir: join(folder, 'dist'),
    processes: ['api', 'worker'],
    productEnvironment: { NOTES: join(folder, 'notes') },
    ...change,
  };
}

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'perennial-system-'));
  mkdirSync(join(folder, 'dist', 'bin'), { recursive: true });
  for (const [name, source] of Object.entries(mains)) {
    writeFileSync(join(folder, 'dist', 'bin', `${name}.js`), source);
  }
});
afterEach(async () => {
  await cleanPlatform(join(folder, 'platform'), '', () => undefined);
  rmSync(folder, { recursive: true });
});

test('migrates, starts the processes, lets one be killed and started again, and stops all', async () => {
  const system = await startSystem(options());
  expect(notes()[0]).toBe('migrate done');
  expect(system.apiKey.length).toBeGreaterThanOrEqual(32);
  expect(await (await fetch(`${system.apiUrl}/readyz`)).text()).toBe('ready');

  const api = system.product('api');
  const { exited } = api;
  await api.kill();
  expect(await exited).toEqual({ code: null, signal: 'SIGKILL' });
  await expect(fetch(system.apiUrl)).rejects.toThrow('fetch failed');
  await api.start();
  expect((await fetch(system.apiUrl)).status).toBe(200);

  const processes = readState(join(folder, 'platform'))?.processes ?? [];
  expect(processes.map(({ name }) => name).sort()).toEqual(['api', 'postgres', 'worker']);
  await system.stop();
  expect(processes.filter(isRunning)).toEqual([]);
  expect(notes().slice(-2).sort()).toEqual(['api stopped', 'worker stopped']);
});

test('the development key is the same at the next start, and a given one is used', async () => {
  const first = await startSystem(options({ processes: [] }));
  await first.kill();
  const second = await startSystem(options({ processes: [] }));
  await second.stop();
  expect(second.apiKey).toBe(first.apiKey);
});

test('failed migrations stop everything and show why', async () => {
  writeFileSync(
    join(folder, 'dist', 'bin', 'migrate.js'),
    `console.error('no such column'); process.exit(3);`,
  );
  await expect(startSystem(options())).rejects.toThrow(/bin\/migrate ended with code 3[^]*no such column/);
  expect(readState(join(folder, 'platform'))).toBeUndefined();
});

test('a process that dies at its start is told with the end of its log', async () => {
  writeFileSync(join(folder, 'dist', 'bin', 'api.js'), `console.error('no such table'); process.exit(3);`);
  await expect(startSystem(options())).rejects.toThrow(
    /api did not become ready: it ended with code 3[^]*no such table/,
  );
  expect(readState(join(folder, 'platform'))).toBeUndefined();
});

test('an unexpected end of a process is reported', async () => {
  let report: (name: string) => void = () => undefined;
  const died = new Promise<string>((resolve) => {
    report = resolve;
  });
  const system = await startSystem(options({ onProductExit: ({ name }) => report(name) }));
  process.kill(system.product('worker').pid as number, 'SIGKILL');
  expect(await died).toBe('worker');
  await system.stop();
});
