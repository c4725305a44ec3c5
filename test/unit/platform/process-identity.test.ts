import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import {
  identityOf,
  isRunning,
  recordOf,
  signalRecorded,
  stopRecorded,
} from '../../../dev/platform/process-identity';

let child: ChildProcess;
let pid: number;

beforeEach(async () => {
  child = spawn(process.execPath, ['-e', 'console.log(1); setInterval(() => {}, 1000)'], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  pid = child.pid as number;
  await once(child.stdout as NodeJS.EventEmitter, 'data');
});
afterEach(() => child.kill('SIGKILL'));

test('a process keeps its identity as long as it runs, and loses it with its end', async () => {
  const record = recordOf(pid);
  expect(isRunning(record)).toBe(true);
  expect(recordOf(pid)).toEqual(record);
  child.kill('SIGKILL');
  await once(child, 'exit');
  expect(identityOf(pid)).toBeUndefined();
  expect(isRunning(record)).toBe(false);
});

test('a process that merely has the recorded pid is neither signalled nor waited for', async () => {
  const foreign = { pid, identity: 'an earlier boot:42' };
  expect(isRunning(foreign)).toBe(false);
  expect(signalRecorded(foreign, 'SIGKILL')).toBe(false);
  expect(await stopRecorded(foreign, 'SIGKILL', 10)).toBe(false);
  expect(isRunning(recordOf(pid))).toBe(true);
});

test('one that does not heed the signal is killed when its time is over', async () => {
  child.kill('SIGSTOP');
  expect(await stopRecorded(recordOf(pid), 'SIGTERM', 50)).toBe(true);
  expect(identityOf(pid)).toBeUndefined();
});
