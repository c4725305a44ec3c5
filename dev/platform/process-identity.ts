/**
 * Which process is which: a pid alone is reused, so a record also holds when the process began.
 *
 * Owns: judging whether a recorded process still runs, and signalling it. Does not own who records what (`state.ts`).
 * Invariant: no signal is ever sent to a process whose start time differs from the recorded one.
 */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

export interface ProcessRecord {
  readonly pid: number;
  /** Boot and start time of the process, opaque; compared for equality only. */
  readonly identity: string;
}

function readOr(path: string, otherwise: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return otherwise;
  }
}

/** Fields of /proc/<pid>/stat from the third on; the second, the name, may itself hold spaces and brackets. */
function statFields(pid: number): string[] | undefined {
  const text = readOr(`/proc/${pid}/stat`, '');
  return text === '' ? undefined : text.slice(text.lastIndexOf(')') + 2).split(' ');
}

function linuxIdentity(pid: number): string | undefined {
  const fields = statFields(pid);
  const state = fields?.[0];
  // A zombie has ended; only its parent has not noticed, which in a container may never happen.
  if (!fields || state === 'Z' || state === 'X') return undefined;
  return `${readOr('/proc/sys/kernel/random/boot_id', 'boot').trim()}:${fields[19]}`;
}

function psIdentity(pid: number): string | undefined {
  try {
    const [state = '', ...started] = execFileSync('ps', ['-o', 'stat=,lstart=', '-p', String(pid)], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    })
      .trim()
      .split(/\s+/);
    return state === '' || state.startsWith('Z') ? undefined : started.join(' ');
  } catch {
    return undefined;
  }
}

/** The identity of a running process; undefined when there is none of that pid (a zombie counts as none). */
export function identityOf(pid: number): string | undefined {
  return process.platform === 'linux' ? linuxIdentity(pid) : psIdentity(pid);
}

/** A record of a process that runs now. */
export function recordOf(pid: number): ProcessRecord {
  return { pid, identity: identityOf(pid) ?? 'ended' };
}

/** Whether the recorded process itself, not a later one with its pid, is running. */
export function isRunning(record: ProcessRecord): boolean {
  return identityOf(record.pid) === record.identity;
}

/** Arguments of a running process; empty when unknown. */
export function commandLineOf(pid: number): string[] {
  if (process.platform === 'linux') {
    return readOr(`/proc/${pid}/cmdline`, '')
      .split('\0')
      .filter((part) => part !== '');
  }
  try {
    return execFileSync('ps', ['-ww', '-o', 'command=', '-p', String(pid)], { encoding: 'utf8' })
      .trim()
      .split(/\s+/);
  } catch {
    return [];
  }
}

/** Direct children of a process; Linux only, elsewhere empty. */
export function childrenOf(pid: number): number[] {
  return readOr(`/proc/${pid}/task/${pid}/children`, '')
    .split(' ')
    .filter((part) => part !== '')
    .map(Number);
}

/**
 * Sends a signal when, and only when, the recorded process runs.
 * @returns whether it was sent
 */
export function signalRecorded(record: ProcessRecord, signal: NodeJS.Signals): boolean {
  if (!isRunning(record)) return false;
  try {
    process.kill(record.pid, signal);
    return true;
  } catch {
    return false;
  }
}

/**
 * Asks a recorded process to end, and after `timeoutMs` makes it.
 * @returns whether there was anything to stop
 */
export async function stopRecorded(
  record: ProcessRecord,
  signal: NodeJS.Signals,
  timeoutMs: number,
): Promise<boolean> {
  if (!signalRecorded(record, signal)) return false;
  let killAt = Date.now() + timeoutMs;
  while (isRunning(record)) {
    if (Date.now() >= killAt) {
      signalRecorded(record, 'SIGKILL');
      killAt = Number.POSITIVE_INFINITY;
    }
    await sleep(25);
  }
  return true;
}
