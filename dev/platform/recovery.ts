/**
 * Ending what an earlier run left behind, stopping a run from outside, and removing its data.
 *
 * Owns: `down`, `clean`, and the clean-up before a start. Invariants: only recorded processes whose start time
 * agrees are signalled; product first, then Kafka and Temporal, PostgreSQL last; only names that the platform itself
 * makes are removed from its folder.
 */
import { existsSync, readdirSync, rmSync, rmdirSync } from 'node:fs';
import { join } from 'node:path';
import { compose } from './docker';
import { LockHeldError, acquireLock, holderOf } from './lock';
import { stopRecorded, type ProcessRecord } from './process-identity';
import { PlatformError, reasonOf } from './errors';
import type { Report } from './progress';
import { lockPath, ownNames, readState, statePath, type PlatformState, type RecordedProcess } from './state';
import { standInsFor } from './system-user';

const ownerTimeoutMs = 60_000;
const serverTimeoutMs = 30_000;

function stopOrder(processes: readonly RecordedProcess[]): RecordedProcess[][] {
  const product = processes.filter(({ kind }) => kind === 'product');
  const servers = processes.filter(({ kind, name }) => kind === 'server' && name !== 'postgres');
  const postgres = processes.filter(({ kind, name }) => kind === 'server' && name === 'postgres');
  return [product, servers, postgres];
}

/**
 * Stops processes that a state names and that still run.
 * @returns their names
 */
async function stopOrphans(state: PlatformState): Promise<string[]> {
  const stopped: string[] = [];
  for (const group of stopOrder(state.processes)) {
    await Promise.all(
      group.map(async (orphan) => {
        const signal =
          orphan.kind === 'product' ? 'SIGKILL' : orphan.name === 'postgres' ? 'SIGINT' : 'SIGTERM';
        if (await stopRecorded(orphan, signal, serverTimeoutMs)) stopped.push(orphan.name);
      }),
    );
  }
  return stopped;
}

async function stopContainers(dir: string, state: PlatformState, composeFile: string, args: string[]) {
  if (!state.components.some(({ from }) => from === 'docker')) return;
  await compose({ dir, composeFile, ports: {} }, args);
}

/** The process that runs a platform in this folder now; undefined when there is none. */
export function runningOwner(dir: string): ProcessRecord | undefined {
  return holderOf(lockPath(dir));
}

/**
 * Stops the platform of a folder, with the process that started it, or what that left behind.
 * @throws PlatformError `already_running` when that process is the calling one, or another took its place meanwhile
 * @returns whether anything ran
 */
export async function stopPlatformIn(dir: string, composeFile: string, report: Report): Promise<boolean> {
  if (!existsSync(dir)) return false;
  const owner = runningOwner(dir);
  if (owner?.pid === process.pid) {
    throw new PlatformError(
      'already_running',
      `This process itself runs the platform in ${dir}; stop that first.`,
    );
  }
  if (owner) {
    report(`Stopping process ${owner.pid} and everything it started.`);
    await stopRecorded(owner, 'SIGTERM', ownerTimeoutMs);
  }
  const lock = await acquireLock(lockPath(dir), { whenHeld: 'fail' }).catch((error: unknown) => {
    if (error instanceof LockHeldError) {
      throw new PlatformError(
        'already_running',
        `Another process (${error.holder.pid}) has just started the platform.`,
      );
    }
    throw error;
  });
  try {
    const left = await clearLeftovers(dir, composeFile, report);
    return left || owner !== undefined;
  } finally {
    lock.release();
  }
}

/**
 * Stops the platform of a folder and removes all its data. Files that the platform did not make stay.
 */
export async function cleanPlatform(dir: string, composeFile: string, report: Report): Promise<void> {
  const state = readState(dir);
  await stopPlatformIn(dir, composeFile, report);
  if (state) {
    await stopContainers(dir, state, composeFile, ['down', '--volumes']).catch((error: unknown) =>
      report(`The containers could not be removed: ${reasonOf(error)}`),
    );
  }
  for (const name of ownNames) rmSync(join(dir, name), { recursive: true, force: true });
  for (const standIn of standInsFor(join(dir, 'postgres'))) rmSync(standIn, { recursive: true, force: true });
  try {
    const left = readdirSync(dir);
    if (left.length === 0) rmdirSync(dir);
    else report(`${dir} is kept: it holds ${left.length} files that the platform did not make.`);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
}

/**
 * With the folder's lock held: ends what a killed run left behind.
 * @returns whether anything of it still ran
 */
export async function clearLeftovers(dir: string, composeFile: string, report: Report): Promise<boolean> {
  const state = readState(dir);
  if (!state) return false;
  const orphans = await stopOrphans(state);
  if (orphans.length > 0) report(`Stopped what a killed run had left: ${orphans.join(', ')}.`);
  await stopContainers(dir, state, composeFile, ['stop']);
  rmSync(statePath(dir), { force: true });
  return orphans.length > 0;
}
