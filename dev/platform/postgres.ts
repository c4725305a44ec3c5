/**
 * The platform's PostgreSQL: its data, its settings, its databases.
 *
 * Invariants: it listens on the loopback interface only; the data folder is complete or absent, because initdb works
 * beside it; a postmaster that a killed run left behind is stopped before a new one starts on its data, and nobody
 * else's process is ever taken for one.
 */
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Client } from 'pg';
import { platformDatabaseUrl } from '../../config';
import { PlatformError } from './errors';
import { commandLineOf, recordOf, stopRecorded } from './process-identity';
import type { NativeServer } from './server';
import { giveTo, reachableFolder, type SystemUser } from './system-user';
import { runLong } from './tools';

export interface PostgresOptions {
  /** The platform's folder. */
  readonly dir: string;
  readonly port: number;
  /** The folder with bin/, lib/ and share/. */
  readonly programs: string;
  readonly version: string;
  readonly user: SystemUser | undefined;
  /** `postgresql.conf` settings on top of the platform's own. */
  readonly settings?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal;
}

const databases = ['perennial', 'perennial_sandbox'];
const environment = (): NodeJS.ProcessEnv => ({ PATH: process.env['PATH'], LC_ALL: 'C', TZ: 'UTC' });

function dataFolder(options: PostgresOptions): string {
  return join(reachableFolder(options.dir, 'postgres', options.user), 'data');
}

async function initialise(options: PostgresOptions, data: string): Promise<void> {
  const { user, programs } = options;
  const partial = `${data}.partial`;
  const passwordFile = `${data}.password`;
  rmSync(partial, { recursive: true, force: true });
  writeFileSync(passwordFile, 'perennial\n');
  if (user) giveTo(join(data, '..'), user);
  const lines: string[] = [];
  const code = await runLong({
    command: join(programs, 'bin', 'initdb'),
    args: [
      '-D',
      partial,
      '-U',
      'perennial',
      '--pwfile',
      passwordFile,
      '--auth=scram-sha-256',
      '--encoding=UTF8',
      '--locale=C',
      '--locale-provider=builtin',
      '--builtin-locale=C.UTF-8',
      '--no-instructions',
      '--data-checksums',
    ],
    cwd: programs,
    env: environment(),
    user,
    logFile: join(options.dir, 'postgres', 'initdb.log'),
    onLine: (line) => lines.push(line),
    signal: options.signal,
  });
  rmSync(passwordFile, { force: true });
  if (code !== 0) {
    const end = lines.slice(-6).map((line) => `    ${line}`);
    throw new PlatformError(
      'start_failed',
      `PostgreSQL could not make its data in ${partial}:\n${end.join('\n')}`,
    );
  }
  renameSync(partial, data);
}

function requireSameMajor(data: string, version: string): void {
  const made = readFileSync(join(data, 'PG_VERSION'), 'utf8').trim();
  if (made === version.split('.')[0]) return;
  throw new PlatformError(
    'start_failed',
    `The data in ${data} was made by PostgreSQL ${made}, and this is ${version}. \`make clean\` removes the data; or set DATABASE_URL.`,
  );
}

/** PostgreSQL outlives a parent that is killed, and its pid file outlives PostgreSQL. */
async function clearOrphan(data: string): Promise<void> {
  const pidFile = join(data, 'postmaster.pid');
  if (!existsSync(pidFile)) return;
  const pid = Number(readFileSync(pidFile, 'utf8').split('\n')[0]);
  if (pid > 0 && commandLineOf(pid).includes(data)) await stopRecorded(recordOf(pid), 'SIGINT', 30_000);
  // Where the pid belongs to somebody else by now, PostgreSQL itself would refuse to start.
  rmSync(pidFile, { force: true });
}

/**
 * Connects, hands the connection over, and closes it.
 * @throws the connection's or the query's error
 */
export async function withClient<T>(url: string, use: (client: Client) => Promise<T>): Promise<T> {
  const client = new Client({ connectionString: url, connectionTimeoutMillis: 3_000, query_timeout: 30_000 });
  // Without a listener a connection that breaks later would end the process.
  client.on('error', () => undefined);
  try {
    await client.connect();
    return await use(client);
  } finally {
    await client.end().catch(() => undefined);
  }
}

/**
 * Makes databases that do not exist yet on the server that `url` names.
 * @throws the server's own error
 */
export async function createDatabases(url: string, names: readonly string[]): Promise<void> {
  await withClient(url, async (client) => {
    for (const name of names) {
      const { rowCount } = await client.query('SELECT 1 FROM pg_database WHERE datname = $1', [name]);
      if (rowCount === 0) await client.query(`CREATE DATABASE ${client.escapeIdentifier(name)}`);
    }
  });
}

/**
 * The version of the server that `url` names.
 * @throws the connection's error when it does not answer
 */
export async function postgresVersion(url: string): Promise<string> {
  return withClient(url, async (client) => {
    const { rows } = await client.query<{ server_version: string }>('SHOW server_version');
    return rows[0]?.server_version.split(' ')[0] ?? '';
  });
}

/** How the platform runs PostgreSQL. Address, databases and password are those of `platformDatabaseUrl`. */
export function postgresServer(options: PostgresOptions): NativeServer {
  const adminUrl = platformDatabaseUrl(options.port, 'postgres');
  const settings = {
    port: String(options.port),
    listen_addresses: '127.0.0.1',
    unix_socket_directories: '',
    max_connections: '200',
    timezone: 'UTC',
    log_timezone: 'UTC',
    log_checkpoints: 'off',
    ...options.settings,
  };
  return {
    name: 'postgres',
    title: 'PostgreSQL',
    version: options.version,
    address: platformDatabaseUrl(options.port, 'perennial'),
    // SIGINT is PostgreSQL's fast shutdown: sessions are ended, the data is left clean.
    stopSignal: 'SIGINT',
    stopTimeoutMs: 30_000,
    startTimeoutMs: 60_000,
    plan: async () => {
      mkdirSync(join(options.dir, 'postgres'), { recursive: true });
      const data = dataFolder(options);
      if (!existsSync(data)) await initialise(options, data);
      if (options.user) giveTo(data, options.user);
      requireSameMajor(data, options.version);
      await clearOrphan(data);
      return {
        command: join(options.programs, 'bin', 'postgres'),
        args: [
          '-D',
          data,
          ...Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]),
        ],
        cwd: options.programs,
        env: environment(),
        user: options.user,
        logFile: join(options.dir, 'postgres', 'postgres.log'),
        orphanSignal: 'SIGINT',
      };
    },
    answers: async () => {
      await withClient(adminUrl, (client) => client.query('SELECT 1'));
    },
    complete: () => createDatabases(adminUrl, databases),
    // The last backends of a killed server still hold its shared memory for a moment.
    worthRepeating: (log) => log.includes('is still in use') || log.includes('lock file'),
  };
}
