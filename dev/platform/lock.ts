/**
 * A lock between processes of one machine: a file that names its holder.
 *
 * Owns: taking, waiting for, and taking over the lock of a holder that has died. Invariants: the file appears with
 * its whole content (it is linked into place); a lock is taken over only from a process that no longer runs, by one
 * process at a time.
 */
import { randomUUID } from 'node:crypto';
import { linkSync, mkdirSync, readFileSync, rmdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { isRunning, recordOf, type ProcessRecord } from './process-identity';

export interface Lock {
  /** Gives the lock back; harmless when called twice. */
  release(): void;
}

export interface LockOptions {
  /** Wait until the holder releases it, or fail at once. */
  readonly whenHeld: 'wait' | 'fail';
  /** Called every now and then while waiting. */
  readonly waiting?: (holder: ProcessRecord, elapsedMs: number) => void;
  readonly signal?: AbortSignal;
}

/** The lock is held by a process that runs. */
export class LockHeldError extends Error {
  constructor(
    readonly path: string,
    readonly holder: ProcessRecord,
  ) {
    super(`${path} is held by process ${holder.pid}`);
    this.name = 'LockHeldError';
  }
}

interface Content extends ProcessRecord {
  readonly token: string;
}

const pollMs = 100;
const staleBreakerMs = 10_000;

function read(path: string): Content | 'unreadable' | 'absent' {
  try {
    const parsed = JSON.parse(readFileSync(path, 'utf8')) as Content;
    return Number.isInteger(parsed.pid) ? parsed : 'unreadable';
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ENOENT' ? 'absent' : 'unreadable';
  }
}

function tryTake(path: string, content: Content): boolean {
  const draft = `${path}.${content.token}`;
  writeFileSync(draft, JSON.stringify(content));
  try {
    linkSync(draft, path);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  } finally {
    rmSync(draft, { force: true });
  }
}

/** Removes a dead holder's lock. Two that judged the same lock dead must not remove each other's new one. */
function removeDead(path: string): void {
  const breaker = `${path}.breaker`;
  try {
    mkdirSync(breaker);
  } catch {
    const made = statSync(breaker, { throwIfNoEntry: false })?.mtimeMs;
    if (made !== undefined && Date.now() - made > staleBreakerMs) rmdirSync(breaker);
    return;
  }
  try {
    const held = read(path);
    if (held === 'unreadable' || (held !== 'absent' && !isRunning(held))) rmSync(path, { force: true });
  } finally {
    rmdirSync(breaker);
  }
}

/** The process that holds the lock now; undefined when nobody alive does. */
export function holderOf(path: string): ProcessRecord | undefined {
  const held = read(path);
  return held === 'absent' || held === 'unreadable' || !isRunning(held) ? undefined : held;
}

/**
 * Takes the lock at `path`, whose folder is made when missing.
 * @throws LockHeldError when another process holds it and `whenHeld` is `fail`; the signal's reason when aborted
 */
export async function acquireLock(path: string, options: LockOptions): Promise<Lock> {
  const content: Content = { ...recordOf(process.pid), token: randomUUID() };
  mkdirSync(dirname(path), { recursive: true });
  const beganAt = Date.now();
  for (;;) {
    options.signal?.throwIfAborted();
    if (tryTake(path, content)) break;
    const holder = holderOf(path);
    if (!holder) removeDead(path);
    else if (options.whenHeld === 'fail') throw new LockHeldError(path, holder);
    else options.waiting?.(holder, Date.now() - beganAt);
    await sleep(holder ? pollMs : 5);
  }
  return {
    release: () => {
      const held = read(path);
      if (typeof held === 'object' && held.token === content.token) rmSync(path, { force: true });
    },
  };
}
