import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isRunning, recordOf } from '../../../dev/platform/process-identity';
import { cleanPlatform, clearLeftovers, stopPlatformIn } from '../../../dev/platform/recovery';
import { StateFile, readState } from '../../../dev/platform/state';

let dir: string;
const children: ChildProcess[] = [];
const reported: string[] = [];
const report = (line: string) => void reported.push(line);

function sleeper(): number {
  const child = spawn('sleep', ['600'], { stdio: 'ignore' });
  children.push(child);
  return child.pid as number;
}

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'perennial-recovery-'));
  reported.length = 0;
});
afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
  rmSync(dir, { recursive: true, force: true });
});

test('what a killed run left is stopped, and a foreign process with a recorded pid is not', async () => {
  const ours = recordOf(sleeper());
  const foreign = recordOf(sleeper());
  const state = new StateFile(dir, { pid: 1, identity: 'gone' });
  state.started('kafka', 'server', ours);
  state.started('postgres', 'server', { ...foreign, identity: 'an earlier boot:42' });
  expect(await clearLeftovers(dir, '', report)).toBe(true);
  expect([isRunning(ours), isRunning(foreign)]).toEqual([false, true]);
  expect(reported).toEqual(['Stopped what a killed run had left: kafka.']);
  expect(readState(dir)).toBeUndefined();
});

test('a state that cannot be read is no reason to fail', async () => {
  writeFileSync(join(dir, 'platform.json'), '{"processes": [');
  expect(await clearLeftovers(dir, '', report)).toBe(false);
});

test('stopping where nothing ever ran makes no folder', async () => {
  expect(await stopPlatformIn(join(dir, 'never'), '', report)).toBe(false);
  expect(existsSync(join(dir, 'never'))).toBe(false);
});

test('clean removes what the platform made and nothing else', async () => {
  mkdirSync(join(dir, 'kafka', 'data'), { recursive: true });
  writeFileSync(join(dir, 'thesis.txt'), 'years of work');
  await cleanPlatform(dir, '', report);
  expect(existsSync(join(dir, 'kafka'))).toBe(false);
  expect(existsSync(join(dir, 'thesis.txt'))).toBe(true);
  rmSync(join(dir, 'thesis.txt'));
  await cleanPlatform(dir, '', report);
  expect(existsSync(dir)).toBe(false);
});
