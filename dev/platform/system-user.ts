/**
 * The user that PostgreSQL runs as, and places which that user can reach.
 *
 * PostgreSQL refuses to run as root. When root starts the platform (in a container, on a build machine), the server
 * runs as `postgres`, else as `nobody`, who often cannot pass root's home folder or a private folder above the
 * checkout. Invariant: nobody's permissions are changed outside the platform's own folder.
 */
import { createHash } from 'node:crypto';
import {
  accessSync,
  chmodSync,
  chownSync,
  constants,
  lstatSync,
  mkdirSync,
  readdirSync,
  statSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { PlatformError } from './errors';
import { ownNames } from './state';
import type { Tools } from './tools';

export interface SystemUser {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
}

const homes = ['/var/lib/perennial', '/var/tmp/perennial'];

/**
 * The user that PostgreSQL must run as; undefined when it is the current one.
 * @throws PlatformError `missing_tools` when root finds neither `postgres` nor `nobody`
 */
export async function databaseUser(tools: Tools): Promise<SystemUser | undefined> {
  if (process.getuid?.() !== 0) return undefined;
  for (const name of ['postgres', 'nobody']) {
    const [uid, gid] = await Promise.all([tools.run('id', ['-u', name]), tools.run('id', ['-g', name])]);
    if (uid.code === 0 && gid.code === 0) {
      return { name, uid: Number(uid.output.trim()), gid: Number(gid.output.trim()) };
    }
  }
  throw new PlatformError(
    'missing_tools',
    'PostgreSQL does not run as root, and there is neither a user `postgres` nor `nobody`. Create one (`useradd --system postgres`), or set DATABASE_URL.',
  );
}

function mayPass(folder: string, user: SystemUser): boolean {
  try {
    const { mode, uid, gid } = statSync(folder);
    if (uid === user.uid) return (mode & 0o100) !== 0;
    if (gid === user.gid) return (mode & 0o010) !== 0;
    return (mode & 0o001) !== 0;
  } catch {
    return false;
  }
}

/** Whether a user can walk down to a folder that exists. */
export function canReach(folder: string, user: SystemUser | undefined): boolean {
  if (!user) return true;
  for (let at = folder; ; at = dirname(at)) {
    if (!mayPass(at, user)) return false;
    if (at === dirname(at)) return true;
  }
}

/** A folder that stands in for `dir` where a user cannot reach that; always the same one for the same `dir`. */
export function standInFor(dir: string, home: string): string {
  const digest = createHash('sha256').update(dir).digest('hex').slice(0, 16);
  return join(home, `${basename(dirname(dir))}-${digest}`.replace(/^\W+/, ''));
}

/** Every stand-in that may exist for a platform folder. */
export function standInsFor(dir: string): string[] {
  return homes.map((home) => standInFor(dir, home));
}

/** Lets others pass a folder of the platform's own, as one from mkdtemp does not; foreign ones stay as they are. */
function open(folder: string, user: SystemUser, isOurs: boolean): void {
  if (isOurs && canReach(dirname(folder), user) && !mayPass(folder, user)) {
    chmodSync(folder, statSync(folder).mode | 0o011);
  }
}

/**
 * A folder for the user's files: `<platform's folder>/<name>` when the user can reach it, else its stand-in. Made
 * when it is missing.
 * @throws PlatformError `start_failed` when there is no such place
 */
export function reachableFolder(platformDir: string, name: string, user: SystemUser | undefined): string {
  const dir = join(platformDir, name);
  mkdirSync(dir, { recursive: true });
  if (!user) return dir;
  open(
    platformDir,
    user,
    readdirSync(platformDir).every((entry) => ownNames.includes(entry)),
  );
  open(dir, user, true);
  if (canReach(dir, user)) return dir;
  const standIn = standInFor(dir, reachableHome(user));
  mkdirSync(standIn, { recursive: true, mode: 0o755 });
  return standIn;
}

/**
 * The first folder of the machine that root may write and the user can reach.
 * @throws PlatformError `start_failed` when there is none
 */
export function reachableHome(user: SystemUser): string {
  for (const home of homes) {
    try {
      mkdirSync(home, { recursive: true });
      chmodSync(home, 0o755);
      accessSync(home, constants.W_OK);
      if (canReach(home, user)) return home;
    } catch {
      // A read-only file system: the next one.
    }
  }
  throw new PlatformError(
    'start_failed',
    `PostgreSQL runs as user ${user.name}, who can reach neither the platform's folder nor ${homes.join(' nor ')}. Set PLATFORM_DIR to a folder whose parents that user may pass, or set DATABASE_URL.`,
  );
}

/** Gives a folder and all in it to a user, where it is not theirs yet. */
export function giveTo(folder: string, user: SystemUser): void {
  if (lstatSync(folder).uid !== user.uid) chownSync(folder, user.uid, user.gid);
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    if (!entry.isSymbolicLink() && lstatSync(path).uid !== user.uid) chownSync(path, user.uid, user.gid);
  }
}
