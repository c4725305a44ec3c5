import { spawnSync } from 'node:child_process';
import {
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { cacheRoot, ensureCached, flawOf, type CacheEntry } from '../../../dev/platform/cache';
import { acquireLock } from '../../../dev/platform/lock';
import { untilItWorks } from '../../../dev/platform/waiting';

let root: string;
let built: number;
let reported: string[];

const entry = (build?: (folder: string) => Promise<void>): CacheEntry => ({
  component: 'thing',
  version: '1.0',
  build:
    build ??
    ((folder) => {
      built += 1;
      mkdirSync(join(folder, 'lib'));
      writeFileSync(join(folder, 'lib', 'a.jar'), 'contents');
      return Promise.resolve();
    }),
});
const options = () => ({ root, report: (line: string) => void reported.push(line) });

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'perennial-cache-'));
  built = 0;
  reported = [];
});
afterEach(() => rmSync(root, { recursive: true }));

test('what was built once is used again', async () => {
  const first = await ensureCached(entry(), options());
  const second = await ensureCached(entry(), options());
  expect([built, second]).toEqual([1, first]);
});

test.each([
  ['a file is missing', (folder: string) => rmSync(join(folder, 'lib', 'a.jar')), 'lib/a.jar is missing'],
  [
    'a file is cut short',
    (folder: string) => truncateSync(join(folder, 'lib', 'a.jar'), 3),
    'has 3 bytes instead of 8',
  ],
  [
    'the manifest is cut short',
    (folder: string) => truncateSync(join(folder, 'manifest.json'), 9),
    'its manifest cannot be read',
  ],
])('when %s it is built again', async (_case, damage, reason) => {
  const folder = await ensureCached(entry(), options());
  damage(folder);
  await ensureCached(entry(), options());
  expect(built).toBe(2);
  expect(reported.join('\n')).toContain(reason);
  expect(await flawOf(folder)).toBeUndefined();
});

test('a build that was killed leaves nothing that is taken for complete', async () => {
  mkdirSync(join(root, 'thing-1.0.partial'), { recursive: true });
  writeFileSync(join(root, 'thing-1.0.partial', 'half'), '');
  const folder = await ensureCached(entry(), options());
  expect(readdirSync(folder).sort()).toEqual(['lib', 'manifest.json']);
});

test('a build that fails leaves nothing, and the next one may succeed', async () => {
  const failing = entry(() => Promise.reject(new Error('no network')));
  await expect(ensureCached(failing, options())).rejects.toThrow('no network');
  expect(readdirSync(root)).toEqual([]);
  await ensureCached(entry(), options());
  expect(built).toBe(1);
});

test('two that need it at once build it once', async () => {
  await Promise.all([1, 2, 3].map(() => ensureCached(entry(), options())));
  expect(built).toBe(1);
});

test('the second checkout says for whom it waits, and stops waiting when told', async () => {
  const lock = await acquireLock(join(root, 'thing-1.0.lock'), { whenHeld: 'fail' });
  const impatient = new AbortController();
  const waiting = ensureCached(entry(), { ...options(), signal: impatient.signal });
  await untilItWorks(
    () => (reported.length > 0 ? Promise.resolve() : Promise.reject(new Error('nothing said'))),
    { timeoutMs: 5_000, intervalMs: 5 },
  );
  expect(reported[0]).toContain(`process ${process.pid} is building it`);
  setImmediate(() => impatient.abort(new Error('enough')));
  await expect(waiting).rejects.toThrow('enough');
  lock.release();
});

test('the lock of a builder that died is taken over', async () => {
  const { pid } = spawnSync(process.execPath, ['-e', '']);
  writeFileSync(join(root, 'thing-1.0.lock'), JSON.stringify({ pid, identity: 'boot:1', token: 'x' }));
  await ensureCached(entry(), options());
  expect(built).toBe(1);
});

test('the lock of a pid that now belongs to another process is taken over', async () => {
  const path = join(root, 'thing-1.0.lock');
  writeFileSync(path, JSON.stringify({ pid: process.pid, identity: 'boot:1', token: 'x' }));
  const lock = await acquireLock(path, { whenHeld: 'fail' });
  expect(JSON.parse(readFileSync(path, 'utf8'))).not.toMatchObject({ token: 'x' });
  lock.release();
  expect(readdirSync(root)).toEqual([]);
});

test('the cache follows XDG_CACHE_HOME, unless that is relative', () => {
  expect(cacheRoot({ XDG_CACHE_HOME: '/c' })).toBe('/c/perennial');
  expect(cacheRoot({ XDG_CACHE_HOME: 'c', HOME: '/h' })).toBe('/h/.cache/perennial');
});
