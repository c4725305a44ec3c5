import { chmodSync, mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { canReach, databaseUser, reachableFolder, standInFor } from '../../../dev/platform/system-user';
import type { Tools } from '../../../dev/platform/tools';

const stranger = { name: 'stranger', uid: 64_999, gid: 64_999 };
let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'perennial-reach-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

test('a folder below a private one cannot be reached', () => {
  mkdirSync(join(folder, 'a', 'b'), { recursive: true, mode: 0o755 });
  expect(canReach(join(folder, 'a', 'b'), stranger)).toBe(false);
  chmodSync(folder, 0o711);
  expect(canReach(join(folder, 'a', 'b'), stranger)).toBe(true);
  expect(canReach(join(folder, 'a', 'missing'), stranger)).toBe(false);
});

test('the platform’s own folder is opened, those above it are not', () => {
  chmodSync(folder, 0o755);
  const own = join(folder, 'own');
  mkdirSync(own, { mode: 0o700 });
  expect(reachableFolder(own, 'postgres', stranger)).toBe(join(own, 'postgres'));
  expect(statSync(own).mode & 0o777).toBe(0o711);
  expect(statSync(folder).mode & 0o777).toBe(0o755);
});

test('a private folder with foreign files in it stays private', () => {
  writeFileSync(join(folder, 'diary.txt'), '');
  // Only root can give the data another place.
  const place = process.getuid?.() === 0 ? reachableFolder(folder, 'postgres', stranger) : undefined;
  expect(statSync(folder).mode & 0o777).toBe(0o700);
  if (place) rmSync(place, { recursive: true });
});

test('a folder keeps its stand-in, and two folders have two', () => {
  const one = standInFor('/root/app/.platform/postgres', '/var/lib/perennial');
  expect(one).toMatch(/^\/var\/lib\/perennial\/platform-[0-9a-f]{16}$/);
  expect(standInFor('/root/app/.platform/postgres', '/var/lib/perennial')).toBe(one);
  expect(standInFor('/root/b/.platform/postgres', '/var/lib/perennial')).not.toBe(one);
});

test('as root PostgreSQL runs as postgres, else as nobody', async () => {
  const ids: Record<string, string> = { nobody: '65534' };
  const tools: Tools = {
    find: () => Promise.resolve(undefined),
    run: (_command, [, name = '']) =>
      Promise.resolve(name in ids ? { code: 0, output: `${ids[name]}\n` } : { code: 1, output: '' }),
  };
  const expected = process.getuid?.() === 0 ? { name: 'nobody', uid: 65_534, gid: 65_534 } : undefined;
  expect(await databaseUser(tools)).toEqual(expected);
});
