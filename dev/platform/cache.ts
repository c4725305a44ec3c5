/**
 * What was built or fetched once and is used by every checkout: `<root>/<component>-<version>/`.
 *
 * Owns: the folder, its manifest, one builder at a time. Does not own how a component is built (`builds.ts`).
 * Invariants: a folder with its final name is complete, because it gets that name only after its manifest and all
 * its files have reached the disk; what no longer agrees with its manifest is built anew.
 */
import { rmSync } from 'node:fs';
import { lstat, mkdir, open, readFile, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { isAbsolute, join, relative } from 'node:path';
import { acquireLock } from './lock';
import { everyFewSeconds, elapsedText, type Report } from './progress';

export interface CacheEntry {
  readonly component: string;
  /** With platform and architecture where the content depends on them. */
  readonly version: string;
  /** Fills an empty folder. What it leaves there is the entry. */
  build(folder: string): Promise<void>;
}

export interface CacheOptions {
  readonly root: string;
  readonly report: Report;
  readonly signal?: AbortSignal;
}

interface Manifest {
  readonly complete: true;
  readonly files: readonly { readonly path: string; readonly bytes: number }[];
}

const manifestName = 'manifest.json';

/** Where builds are kept: `$XDG_CACHE_HOME/perennial`, or `~/.cache/perennial`. */
export function cacheRoot(env: NodeJS.ProcessEnv = process.env): string {
  const base = env['XDG_CACHE_HOME'];
  // The XDG specification: a relative path is to be ignored.
  return join(base && isAbsolute(base) ? base : join(env['HOME'] || homedir(), '.cache'), 'perennial');
}

/** The suffix of versions whose content is machine code. */
export const machineSuffix = `${process.platform}-${process.arch}`;

/** The folder that an entry has or will have. */
export function cacheFolder(root: string, entry: Pick<CacheEntry, 'component' | 'version'>): string {
  return join(root, `${entry.component}-${entry.version}`);
}

async function filesBelow(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => !entry.isDirectory())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)));
}

async function writeManifest(folder: string): Promise<void> {
  const files: { path: string; bytes: number }[] = [];
  for (const path of (await filesBelow(folder)).sort()) {
    const stats = await lstat(join(folder, path));
    files.push({ path, bytes: stats.size });
    if (!stats.isFile()) continue;
    // After a power cut a renamed folder may hold files of the right size and no content, unless they were synced.
    const file = await open(join(folder, path), 'r');
    await file.sync().finally(() => file.close());
  }
  const manifest: Manifest = { complete: true, files };
  await writeFile(join(folder, manifestName), JSON.stringify(manifest, null, 1), { flush: true });
}

/**
 * What is wrong with an entry's folder.
 * @returns undefined when it is whole, `absent` when there is none, else a sentence
 */
export async function flawOf(folder: string): Promise<string | undefined> {
  let manifest: Manifest;
  try {
    if (!(await lstat(folder)).isDirectory()) return 'it is not a folder';
  } catch {
    return 'absent';
  }
  try {
    manifest = JSON.parse(await readFile(join(folder, manifestName), 'utf8')) as Manifest;
    if (!manifest.complete || manifest.files.length === 0) return 'its manifest is empty';
  } catch {
    return 'its manifest cannot be read';
  }
  for (const { path, bytes } of manifest.files) {
    const size = await lstat(join(folder, path)).then(
      (stats) => stats.size,
      () => undefined,
    );
    if (size === undefined) return `${path} is missing`;
    if (size !== bytes) return `${path} has ${size} bytes instead of ${bytes}`;
  }
  return undefined;
}

/**
 * Returns the folder of an entry, building it when it is absent or damaged. When another process is building it,
 * waits for that one.
 * @throws what `build` throws; the signal's reason when aborted
 */
export async function ensureCached(entry: CacheEntry, options: CacheOptions): Promise<string> {
  const folder = cacheFolder(options.root, entry);
  if ((await flawOf(folder)) === undefined) return folder;
  const title = `${entry.component} ${entry.version}`;
  const reportWaiting = everyFewSeconds(options.report);
  const lock = await acquireLock(`${folder}.lock`, {
    whenHeld: 'wait',
    signal: options.signal,
    waiting: (holder, elapsedMs) =>
      reportWaiting(`${title}: process ${holder.pid} is building it; waiting, ${elapsedText(elapsedMs)}`),
  });
  try {
    const flaw = await flawOf(folder);
    if (flaw === undefined) return folder;
    if (flaw !== 'absent') {
      options.report(`${title}: the cached copy is damaged (${flaw}); it is made again.`);
      await rm(folder, { recursive: true, force: true });
    }
    const partial = `${folder}.partial`;
    await rm(partial, { recursive: true, force: true });
    await mkdir(partial, { recursive: true });
    try {
      await entry.build(partial);
      await writeManifest(partial);
    } catch (error) {
      rmSync(partial, { recursive: true, force: true });
      throw error;
    }
    await rename(partial, folder);
    return folder;
  } finally {
    lock.release();
  }
}
