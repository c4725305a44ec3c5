/**
 * Temporal's real server with PostgreSQL as its store, for benchmarks and fault tests.
 *
 * Owns: building the server and its schema tool, its databases, its configuration. Does not own PostgreSQL, which
 * must run already. Invariants: a schema is complete or its database has another name; only the frontend's port is
 * fixed, the inner ones are any free ports. It brings no Web UI.
 */
import { chmod, cp, mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { goModuleFolder, installGoPrograms, type BuildContext } from './builds';
import { ensureCached, machineSuffix, type CacheEntry, type CacheOptions } from './cache';
import { PlatformError } from './errors';
import { pickFreePort } from './ports';
import { withClient } from './postgres';
import type { NativeServer } from './server';
import { completeTemporal, temporalAnswers } from './temporal-answers';
import { environmentWithHome, runLong } from './tools';

/** The last release that Go 1.26.8 builds. */
const version = '1.31.2';
const serverModule = 'go.temporal.io/server';

/** The version as the table shows it. */
export const temporalOnPostgresVersion = `${version} on PostgreSQL, no Web UI`;

/** The name of the server, its schema tool and its schema in the cache. */
export const temporalServerCache = {
  component: 'temporal-server',
  version: `${version}-${machineSuffix}`,
} as const;

/** Server, schema tool and schema in the cache: `bin/server`, `bin/sql`, `schema/`. */
function temporalServerEntry(context: BuildContext): CacheEntry {
  return {
    ...temporalServerCache,
    build: async (folder) => {
      const at = `@v${version}`;
      await installGoPrograms(
        {
          title: `Temporal server ${version}`,
          variable: 'TEMPORAL_ADDRESS',
          packages: [`${serverModule}/cmd/server${at}`, `${serverModule}/cmd/tools/sql${at}`],
          linkerFlags: '-s -w',
        },
        folder,
        context,
      );
      const source = await goModuleFolder(`${serverModule}${at}`, folder, context);
      // Go's module cache may be cleaned at any time; the schema has to live as long as the program.
      await cp(join(source, 'schema', 'postgresql', 'v12'), join(folder, 'schema'), {
        recursive: true,
        filter: (path) => !path.endsWith('.go'),
      });
      await makeWritable(folder);
    },
  };
}

/** Files of Go's module cache are read-only, and so would be their copies' folders: nobody could remove them. */
async function makeWritable(folder: string): Promise<void> {
  const schema = join(folder, 'schema');
  await chmod(schema, 0o755);
  for (const entry of await readdir(schema, { recursive: true, withFileTypes: true })) {
    await chmod(join(entry.parentPath, entry.name), entry.isDirectory() ? 0o755 : 0o644);
  }
}

/** The folder of the server's programs, built when it is not there. */
export function temporalServerPrograms(context: BuildContext, options: CacheOptions): Promise<string> {
  return ensureCached(temporalServerEntry(context), options);
}

export interface TemporalOnPostgresOptions {
  /** The platform's folder. */
  readonly dir: string;
  readonly port: number;
  /** The folder with bin/ and schema/. */
  readonly programs: string;
  /** A database of the server that will hold Temporal's two; its user must be allowed to create databases. */
  readonly databaseUrl: string;
  readonly dynamicConfig: Readonly<Record<string, unknown>>;
  readonly signal?: AbortSignal;
}

interface Database {
  readonly host: string;
  readonly port: string;
  readonly user: string;
  readonly password: string;
}

function databaseOf(url: string): Database {
  const { hostname, port, username, password } = new URL(url);
  return {
    host: hostname,
    port: port || '5432',
    user: decodeURIComponent(username),
    password: decodeURIComponent(password),
  };
}

async function runSchemaTool(options: TemporalOnPostgresOptions, database: string, args: string[]) {
  const { host, port, user, password } = databaseOf(options.databaseUrl);
  const lines: string[] = [];
  const logFile = join(options.dir, 'temporal', `schema-${args[0]}.log`);
  const code = await runLong({
    command: join(options.programs, 'bin', 'sql'),
    args: ['--plugin', 'postgres12', '--ep', host, '--port', port, '--user', user, '--db', database, ...args],
    cwd: options.programs,
    env: environmentWithHome({ SQL_PASSWORD: password }),
    logFile,
    onLine: (line) => lines.push(line),
    signal: options.signal,
  });
  if (code === 0) return;
  const end = lines.slice(-4).map((line) => `    ${line.slice(0, 400)}`);
  throw new PlatformError(
    'start_failed',
    `Temporal's schema could not be made in the database ${database} (${logFile}):\n${end.join('\n')}`,
  );
}

/** Makes a database with the schema in it, or brings the schema of an existing one up to date. */
async function ensureSchema(options: TemporalOnPostgresOptions, database: string, part: string) {
  const update = ['update-schema', '-d', join(options.programs, 'schema', part, 'versioned')];
  const partial = `${database}_partial`;
  const exists = await withClient(options.databaseUrl, async (client) => {
    const { rowCount } = await client.query('SELECT 1 FROM pg_database WHERE datname = $1', [database]);
    if (rowCount) return true;
    await client.query(`DROP DATABASE IF EXISTS ${client.escapeIdentifier(partial)}`);
    await client.query(`CREATE DATABASE ${client.escapeIdentifier(partial)}`);
    return false;
  });
  if (exists) return runSchemaTool(options, database, update);
  await runSchemaTool(options, partial, ['setup-schema', '-v', '0.0']);
  await runSchemaTool(options, partial, update);
  const partialUrl = new URL(options.databaseUrl);
  partialUrl.pathname = `/${partial}`;
  await withClient(partialUrl.href, (client) =>
    // Temporal looks its schema's version up by the database's name.
    client.query('UPDATE schema_version SET db_name = $1', [database]),
  );
  await withClient(options.databaseUrl, (client) =>
    client.query(
      `ALTER DATABASE ${client.escapeIdentifier(partial)} RENAME TO ${client.escapeIdentifier(database)}`,
    ),
  );
}

/**
 * Forgets the members of an earlier run. There is only ever one server, and a new one would spend most of a minute
 * on asking for the old one's ports.
 */
async function forgetMembers(options: TemporalOnPostgresOptions): Promise<void> {
  const url = new URL(options.databaseUrl);
  url.pathname = '/temporal';
  await withClient(url.href, (client) => client.query('DELETE FROM cluster_membership'));
}

function datastore(options: TemporalOnPostgresOptions, database: string, connections: number) {
  const { host, port, user, password } = databaseOf(options.databaseUrl);
  return {
    sql: {
      pluginName: 'postgres12',
      databaseName: database,
      connectAddr: `${host}:${port}`,
      connectProtocol: 'tcp',
      user,
      password,
      maxConns: connections,
      maxIdleConns: connections,
      maxConnLifetime: '1h',
    },
  };
}

interface InnerPorts {
  readonly frontendMembership: number;
  readonly frontendHttp: number;
  readonly matching: readonly [number, number];
  readonly history: readonly [number, number];
  readonly worker: readonly [number, number];
}

async function pickInnerPorts(): Promise<InnerPorts> {
  const pair = async () => [await pickFreePort(), await pickFreePort()] as const;
  const [frontendMembership, frontendHttp] = await pair();
  return {
    frontendMembership,
    frontendHttp,
    matching: await pair(),
    history: await pair(),
    worker: await pair(),
  };
}

function configuration(options: TemporalOnPostgresOptions, ports: InnerPorts): object {
  const rpc = ([grpcPort, membershipPort]: readonly [number, number]) => ({
    rpc: { grpcPort, membershipPort, bindOnLocalHost: true },
  });
  const frontend = rpc([options.port, ports.frontendMembership]).rpc;
  return {
    log: { stdout: true, level: 'warn' },
    persistence: {
      defaultStore: 'main',
      visibilityStore: 'visibility',
      // Shards are work of their own; four keep two cores busy.
      numHistoryShards: 4,
      datastores: {
        main: datastore(options, 'temporal', 20),
        visibility: datastore(options, 'temporal_visibility', 4),
      },
    },
    global: { membership: { maxJoinDuration: '30s', broadcastAddress: '127.0.0.1' } },
    services: {
      frontend: { rpc: { ...frontend, httpPort: ports.frontendHttp } },
      matching: rpc(ports.matching),
      history: rpc(ports.history),
      worker: rpc(ports.worker),
    },
    clusterMetadata: {
      enableGlobalNamespace: false,
      failoverVersionIncrement: 10,
      masterClusterName: 'active',
      currentClusterName: 'active',
      clusterInformation: {
        active: {
          enabled: true,
          initialFailoverVersion: 1,
          rpcName: 'frontend',
          rpcAddress: `127.0.0.1:${options.port}`,
        },
      },
    },
    dcRedirectionPolicy: { policy: 'noop' },
    dynamicConfigClient: {
      filepath: join(options.dir, 'temporal', 'config', 'dynamic.yaml'),
      pollInterval: '10s',
    },
  };
}

function dynamicConfiguration(values: Readonly<Record<string, unknown>>): object {
  // New search attributes are usable at once, as on the development server.
  const all = { 'system.forceSearchAttributesCacheRefreshOnRead': true, ...values };
  return Object.fromEntries(Object.entries(all).map(([key, value]) => [key, [{ value }]]));
}

/** How the platform runs the server on PostgreSQL. */
export function temporalOnPostgresServer(options: TemporalOnPostgresOptions): NativeServer {
  const folder = join(options.dir, 'temporal');
  const config = join(folder, 'config');
  return {
    name: 'temporal',
    title: 'Temporal',
    version: temporalOnPostgresVersion,
    address: `127.0.0.1:${options.port}`,
    stopSignal: 'SIGTERM',
    stopTimeoutMs: 15_000,
    startTimeoutMs: 90_000,
    plan: async () => {
      await mkdir(config, { recursive: true });
      await ensureSchema(options, 'temporal', 'temporal');
      await ensureSchema(options, 'temporal_visibility', 'visibility');
      await forgetMembers(options);
      // JSON is YAML.
      const main = configuration(options, await pickInnerPorts());
      await writeFile(join(config, 'platform.yaml'), JSON.stringify(main, null, 2), { mode: 0o600 });
      await writeFile(
        join(config, 'dynamic.yaml'),
        JSON.stringify(dynamicConfiguration(options.dynamicConfig), null, 2),
      );
      return {
        command: join(options.programs, 'bin', 'server'),
        args: ['--root', folder, '--config', 'config', '--env', 'platform', '--allow-no-auth', 'start'],
        cwd: folder,
        env: environmentWithHome(),
        logFile: join(folder, 'temporal.log'),
        orphanSignal: 'SIGKILL',
      };
    },
    answers: async () => {
      await completeTemporal(options.port);
      await temporalAnswers(options.port);
    },
  };
}
