/** The product's programs as an operator runs them, and what they leave behind. */
import { execFileSync, spawn } from 'node:child_process';
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { repositoryFolder } from '../../dev/platform/options';
import { eventually } from './eventually';

export interface Ended {
  code: number | null;
  /** Both streams, as they came. */
  output: string;
}

export interface Program {
  pid: number;
  output(): string;
  ended: Promise<Ended>;
  kill(signal: NodeJS.Signals): void;
  /** As `kill -9` of a whole terminal. */
  killGroup(): void;
}

/**
 * Starts a program of `dist` as the leader of a process group.
 * @param environment on top of this process's own; undefined unsets a variable
 */
export function startProgram(
  path: string,
  environment: Record<string, string | undefined>,
  args: readonly string[] = [],
): Program {
  const folder = repositoryFolder();
  const child = spawn(process.execPath, [join(folder, 'dist', path), ...args], {
    cwd: folder,
    // As an operator would run it, not as jest does.
    env: { ...process.env, NODE_ENV: undefined, ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text;
    });
  }
  const pid = child.pid ?? 0;
  return {
    pid,
    output: () => output,
    ended: new Promise((resolve) => child.once('close', (code) => resolve({ code, output }))),
    kill: (signal) => void child.kill(signal),
    killGroup: () => {
      try {
        process.kill(-pid, 'SIGKILL');
      } catch {
        // It has ended.
      }
    },
  };
}

/** Runs a program to its end; it is killed, and its code is null, when that takes longer. */
export async function runProgram(
  path: string,
  environment: Record<string, string | undefined>,
  timeoutMs = 90_000,
): Promise<Ended> {
  const program = startProgram(path, environment);
  const timer = setTimeout(() => program.killGroup(), timeoutMs);
  const ended = await program.ended;
  clearTimeout(timer);
  return ended;
}

/** @returns what it printed @throws Error with that when it ended otherwise */
export function requireCode({ code, output }: Ended, wanted: number): string {
  if (code === wanted) return output;
  throw new Error(`it ended with ${code ?? 'a signal'} instead of ${wanted} and printed:\n${output}`);
}

/** Processes that have this text in their arguments or, on Linux, in their environment. */
export function processesWith(text: string): string[] {
  if (!existsSync('/proc/self/environ')) {
    const lines = execFileSync('ps', ['-ww', '-Ao', 'pid=,args='], { encoding: 'utf8' }).split('\n');
    return lines.filter((line) => line.includes(text));
  }
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .map((pid) => `${pid} ${readProc(pid, 'cmdline')}${readProc(pid, 'environ')}`)
    .filter((line) => line.includes(text))
    .map((line) => line.slice(0, 200));
}

function readProc(pid: string, name: string): string {
  try {
    return readFileSync(`/proc/${pid}/${name}`, 'utf8').replaceAll('\0', ' ');
  } catch {
    return '';
  }
}

/** @throws Error with what the program printed when it ends, or too much time passes, before it prints `text` */
export async function untilPrinted(program: Program, text: string, timeoutMs = 60_000): Promise<void> {
  let ended = false;
  void program.ended.then(() => {
    ended = true;
  });
  const wait = eventually(
    JSON.stringify(text),
    () => Promise.resolve(ended || program.output().includes(text)),
    {
      timeoutMs,
    },
  );
  await wait.catch((error: unknown) => {
    throw new Error(`it printed:\n${program.output()}`, { cause: error });
  });
  if (!program.output().includes(text)) throw new Error(`it ended and printed:\n${program.output()}`);
}
