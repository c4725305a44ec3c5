/**
 * Starting a process that stays: a server, or one of the product's own.
 *
 * Owns: process groups, log files, what happens to a child when its parent dies. Invariants: a child is in a session
 * of its own, so that Ctrl-C at the terminal reaches only the parent, which stops its children in order; where the
 * system can do it, a child gets a signal when the parent dies, however that happens.
 */
import { execFileSync, spawn } from 'node:child_process';
import { closeSync } from 'node:fs';
import { PlatformError, reasonOf } from './errors';
import { openLog } from './log-files';
import { recordOf, type ProcessRecord } from './process-identity';

export interface SpawnPlan {
  readonly command: string;
  readonly args: readonly string[];
  readonly cwd: string;
  readonly env: NodeJS.ProcessEnv;
  /** Run as this user; only possible for root. */
  readonly user?: { readonly uid: number; readonly gid: number };
  /** Where its output goes. */
  readonly logFile: string;
  /** Sent to it when the process that started it dies. */
  readonly orphanSignal: NodeJS.Signals;
}

export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export interface RunningProcess extends ProcessRecord {
  readonly exited: Promise<Exit>;
  /** Set once it has ended. */
  exit(): Exit | undefined;
}

/** Of util-linux. */
const launcher = 'setpriv';
let launcherKnown: boolean | undefined;

/** It can ask the kernel for a signal at the parent's death; busybox's program of that name cannot. */
function hasLauncher(): boolean {
  if (process.platform !== 'linux') return false;
  launcherKnown ??= (() => {
    try {
      return execFileSync(launcher, ['--help'], {
        encoding: 'utf8',
        stdio: ['ignore', 'pipe', 'ignore'],
      }).includes('--pdeathsig');
    } catch {
      return false;
    }
  })();
  return launcherKnown;
}

/** The call by which a program gets `signal` when the thread that starts it dies, where the system can do that. */
export function boundToParent(
  command: string,
  args: readonly string[],
  signal: NodeJS.Signals,
): [string, string[]] {
  if (!hasLauncher()) return [command, [...args]];
  return [launcher, ['--pdeathsig', signal, '--', command, ...args]];
}

/**
 * Starts a process.
 * @throws PlatformError `start_failed` when the system refuses
 */
export async function spawnProcess(plan: SpawnPlan): Promise<RunningProcess> {
  const log = openLog(plan.logFile);
  const [command, args] = boundToParent(plan.command, plan.args, plan.orphanSignal);
  try {
    const child = spawn(command, args, {
      cwd: plan.cwd,
      env: plan.env,
      ...(plan.user && { uid: plan.user.uid, gid: plan.user.gid }),
      stdio: ['ignore', log, log],
      detached: true,
    });
    let ended: Exit | undefined;
    const exited = new Promise<Exit>((resolve) => {
      child.once('exit', (code, signal) => {
        ended = { code, signal };
        resolve(ended);
      });
    });
    await new Promise((resolve, reject) => {
      child.once('spawn', resolve);
      child.once('error', reject);
    });
    return { ...recordOf(child.pid as number), exited, exit: () => ended };
  } catch (error) {
    throw new PlatformError('start_failed', `${plan.command} could not be started: ${reasonOf(error)}`);
  } finally {
    closeSync(log);
  }
}

/** Ends a child and everything in its group at once. */
export function killGroup(child: RunningProcess): void {
  if (child.exit()) return;
  try {
    process.kill(-child.pid, 'SIGKILL');
  } catch {
    // It ended in this very moment.
  }
}

/**
 * Asks a child to end, makes it after `timeoutMs`, and waits until it has.
 */
export async function endProcess(
  child: RunningProcess,
  signal: NodeJS.Signals,
  timeoutMs: number,
): Promise<Exit> {
  if (!child.exit()) {
    try {
      process.kill(child.pid, signal);
    } catch {
      // It ended in this very moment.
    }
    const timer = setTimeout(() => killGroup(child), timeoutMs);
    await child.exited;
    clearTimeout(timer);
  }
  return child.exited;
}
