import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from 'pg';
import { startPlatform } from '../../../dev/platform/platform';
import { isRunning } from '../../../dev/platform/process-identity';
import { cleanPlatform } from '../../../dev/platform/recovery';
import { readState } from '../../../dev/platform/state';
import { machineTools } from '../../../dev/platform/tools';

jest.setTimeout(180_000);

let dir: string;

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'perennial-killed-'));
});
afterEach(async () => {
  await cleanPlatform(join(dir, 'data'), '', () => undefined);
  rmSync(dir, { recursive: true, force: true });
});

/**
 * A PATH without setpriv: there, as on other systems, no child learns of its parent's death. Nor is there what builds
 * programs: the run's own servers have had them built.
 */
async function barePath(): Promise<string> {
  const folder = join(dir, 'path');
  mkdirSync(folder);
  for (const name of ['java', 'id', 'ps', 'temporal']) {
    const path = await machineTools.find(name);
    if (path) symlinkSync(path, join(folder, name));
  }
  return folder;
}

async function startAndKill(path: string): Promise<string> {
  const child = spawn(process.execPath, [join(__dirname, 'starter.cjs'), join(dir, 'data')], {
    env: { ...process.env, HOME: process.env['HOME'] ?? homedir(), PATH: path },
    stdio: ['ignore', 'pipe', 'inherit'],
    detached: true,
  });
  const [line] = (await Promise.race([
    once(child.stdout, 'data'),
    once(child, 'exit').then(() => {
      throw new Error('the starter ended');
    }),
  ])) as [Buffer];
  const { DATABASE_URL } = JSON.parse(line.toString()) as { DATABASE_URL: string };
  const client = new Client({ connectionString: DATABASE_URL });
  client.on('error', () => undefined);
  await client.connect();
  await client.query('CREATE TABLE kept AS SELECT 1 AS one');
  process.kill(-(child.pid as number), 'SIGKILL');
  await once(child, 'exit');
  await client.end().catch(() => undefined);
  return DATABASE_URL;
}

test.each([
  ['with orphans', barePath, 3],
  ['where children may die with their parent', () => Promise.resolve(process.env['PATH'] ?? ''), 0],
] as const)(
  'after SIGKILL of the whole group the next start comes up with the data (%s)',
  async (_kind, path, orphans) => {
    await startAndKill(await path());
    const left = readState(join(dir, 'data'))?.processes ?? [];
    expect(left).toHaveLength(3);
    expect(left.filter(isRunning).length).toBeGreaterThanOrEqual(orphans);

    const platform = await startPlatform({ dir: join(dir, 'data'), ports: 'free' });
    expect(left.filter(isRunning)).toEqual([]);
    const client = new Client({ connectionString: platform.environment['DATABASE_URL'] });
    await client.connect();
    expect((await client.query('SELECT one FROM kept')).rows).toEqual([{ one: 1 }]);
    await client.end();
    await platform.stop();
    const args = execFileSync('ps', ['-ww', '-eo', 'args='], { encoding: 'utf8' });
    expect(args.split('\n').filter((line) => line.includes(dir))).toEqual([]);
  },
);
