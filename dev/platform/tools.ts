/**
 * The programs of this machine that the platform calls: finding them, running them briefly, running them long.
 *
 * Owns: child processes that end by themselves. Does not own servers (`spawn.ts`). Invariant: everything that asks
 * "is X installed" goes through `Tools`, so that a test can describe another machine.
 */
import { execFile, spawn } from 'node:child_process';
import { createWriteStream } from 'node:fs';
import { access, constants, stat } from 'node:fs/promises';
import { homedir } from 'node:os';
import { delimiter, isAbsolute, join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { boundToParent } from './spawn';

export interface RunResult {
  /** Exit code; null when it could not be run or was killed. */
  readonly code: number | null;
  /** Standard output and standard error. */
  readonly output: string;
}

export interface Tools {
  /** The path of a program, or undefined when this machine has none. `java` also looks into JAVA_HOME. */
  find(name: string): Promise<string | undefined>;
  /** Runs a program that answers within seconds. */
  run(command: string, args: readonly string[], options?: { timeoutMs?: number }): Promise<RunResult>;
}

/** Environment for programs that need a home, which a service or a container may not have set. */
export function environmentWithHome(extra: Record<string, string> = {}): NodeJS.ProcessEnv {
  return { ...process.env, HOME: process.env['HOME'] || homedir(), ...extra };
}

async function isExecutable(path: string): Promise<boolean> {
  try {
    await access(path, constants.X_OK);
    return (await stat(path)).isFile();
  } catch {
    return false;
  }
}

/** The tools of the machine that this process runs on. */
export const machineTools: Tools = {
  async find(name) {
    const folders = (process.env['PATH'] ?? '').split(delimiter).filter(isAbsolute);
    const javaHome = process.env['JAVA_HOME'];
    if (name === 'java' && javaHome) folders.unshift(join(javaHome, 'bin'));
    for (const folder of folders) {
      if (await isExecutable(join(folder, name))) return join(folder, name);
    }
    return undefined;
  },
  run(command, args, options = {}) {
    return new Promise((resolve) => {
      execFile(
        command,
        [...args],
        { timeout: options.timeoutMs ?? 20_000, env: environmentWithHome(), maxBuffer: 16 * 1024 * 1024 },
        (error, stdout, stderr) => {
          const code = error ? (typeof error.code === 'number' ? error.code : null) : 0;
          resolve({ code, output: `${stdout}${stderr}` });
        },
      );
    });
  },
};

export interface LongRun {
  readonly command: string;
  readonly args: readonly string[];
  readonly cwd: string;
  readonly env?: NodeJS.ProcessEnv;
  /** Run as this user; only possible for root. */
  readonly user?: { readonly uid: number; readonly gid: number };
  /** Everything printed is kept here. */
  readonly logFile: string;
  readonly onLine: (line: string) => void;
  readonly signal?: AbortSignal;
}

/**
 * Runs a program to its end. When aborted it is killed together with its own children, and the signal's reason is
 * thrown.
 * @returns the exit code, or null when it could not be started or was killed
 */
export async function runLong(run: LongRun): Promise<number | null> {
  run.signal?.throwIfAborted();
  const log = createWriteStream(run.logFile);
  // A group of its own: Ctrl-C at the terminal must reach this process first, which then ends the group.
  const child = spawn(...boundToParent(run.command, run.args, 'SIGKILL'), {
    cwd: run.cwd,
    env: run.env ?? environmentWithHome(),
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
    ...(run.user && { uid: run.user.uid, gid: run.user.gid }),
  });
  const end = () => {
    try {
      if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
    } catch {
      // It has ended by itself.
    }
  };
  run.signal?.addEventListener('abort', end, { once: true });
  const follow = (stream: Readable) =>
    createInterface({ input: stream }).on('line', (line) => {
      log.write(`${line}\n`);
      run.onLine(line);
    });
  follow(child.stdout);
  follow(child.stderr);
  try {
    return await new Promise<number | null>((resolve) => {
      child.once('error', (error) => {
        run.onLine(error.message);
        resolve(null);
      });
      child.once('close', resolve);
    });
  } finally {
    run.signal?.removeEventListener('abort', end);
    // Who reads the log next finds all of it.
    await new Promise<void>((resolve) => log.end(() => resolve()));
    run.signal?.throwIfAborted();
  }
}
