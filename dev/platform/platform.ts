/**
 * PostgreSQL, Kafka and Temporal for development and tests, started together, each from where it is found.
 *
 * Owns: the order of things, and that all stops again. Does not own how a single server is run (its own file), nor
 * Perennial's own processes (`system.ts`). Invariants: one platform for a folder at a time; a start that fails or is
 * aborted leaves nothing running; PostgreSQL stops last.
 */
import { mkdirSync } from 'node:fs';
import { platformDatabaseUrl } from '../../config';
import { cacheRoot } from './cache';
import { componentTable } from './component-table';
import { PlatformError } from './errors';
import { requireGivenAddress, requireGivenPostgres, sandboxDatabase, withoutPassword } from './given';
import { LockHeldError, acquireLock, type Lock } from './lock';
import { defaultComposeFile, type PlatformOptions, type PlatformPorts } from './options';
import { pickFreePort, requireFreePorts } from './ports';
import { postgresPackage } from './postgres-programs';
import { recordOf } from './process-identity';
import { clearLeftovers } from './recovery';
import { resolveComponents, type Choice } from './resolution';
import type { Server } from './server';
import { makeServers, type Made, type Making } from './server-making';
import { StateFile, lockPath, type ComponentName, type RecordedComponent } from './state';
import { machineTools } from './tools';

export interface Platform {
  readonly dir: string;
  readonly components: readonly RecordedComponent[];
  /** DATABASE_URL, SANDBOX_DATABASE_URL, KAFKA_BROKERS, TEMPORAL_ADDRESS, and TEMPORAL_UI_URL where there is a UI. */
  readonly environment: Readonly<Record<string, string>>;
  /** Each server by itself, to stop, kill and start again in place. Throws when it was not among the components. */
  readonly postgres: Server;
  readonly kafka: Server;
  readonly temporal: Server;
  /** `platform.json`, for those who start more processes beside the servers. */
  readonly state: StateFile;
  /** Stops every server that the platform started, PostgreSQL last; harmless when called twice. */
  stop(): Promise<void>;
  /** Kills every server at once, as a power cut would; what is left to do is as after `stop`. */
  kill(): Promise<void>;
}

const allComponents: readonly ComponentName[] = ['postgres', 'kafka', 'temporal'];

/**
 * Starts the servers and returns when all of them answer.
 * @throws PlatformError with a message for people; whatever had been started has been stopped again
 */
export async function startPlatform(options: PlatformOptions): Promise<Platform> {
  const lock = await lockFolder(options.dir);
  const starting = new AbortController();
  const abort = () => starting.abort(options.signal?.reason);
  options.signal?.addEventListener('abort', abort, { once: true });
  let state: StateFile | undefined;
  let servers: Server[] = [];
  try {
    if (options.signal?.aborted) abort();
    const making = await decide(options, starting.signal);
    const components = await describe(making);
    state = new StateFile(options.dir, recordOf(process.pid));
    const environment = await environmentOf(making);
    state.set({ components, addresses: addressesOf(components, environment) });
    for (const line of componentTable(components)) making.report(line);
    const made = makeServers(making, components, state);
    servers = made.map(({ server }) => server);
    await startServers(made, starting);
    state.set({ ready_at: new Date().toISOString() });
    return new Started(options.dir, components, environment, servers, state, lock);
  } catch (error) {
    await stopInOrder(servers, (server) => server.stop()).catch(() => undefined);
    state?.remove();
    lock.release();
    throw error;
  } finally {
    options.signal?.removeEventListener('abort', abort);
  }
}

async function lockFolder(dir: string): Promise<Lock> {
  mkdirSync(dir, { recursive: true });
  try {
    return await acquireLock(lockPath(dir), { whenHeld: 'fail' });
  } catch (error) {
    if (!(error instanceof LockHeldError)) throw error;
    throw new PlatformError(
      'already_running',
      `The platform in ${dir} is running already, or just starting or stopping (process ${error.holder.pid}). \`make down\` stops it; PLATFORM_DIR and the port settings make room for a second one.`,
    );
  }
}

/** Clears what is left of a killed run, then decides where everything comes from and on which ports. */
async function decide(options: PlatformOptions, signal: AbortSignal): Promise<Making> {
  const { report = () => undefined, given = {}, temporal = 'dev', components = allComponents } = options;
  const composeFile = options.composeFile ?? defaultComposeFile();
  await clearLeftovers(options.dir, composeFile, report);
  const machine = {
    tools: options.tools ?? machineTools,
    cacheDir: options.cacheDir ?? cacheRoot(),
    composeFile,
    postgres: postgresPackage(),
  };
  const choices = await resolveComponents({ components, temporal, given }, machine);
  const ports = options.ports === 'free' ? await freePorts() : options.ports;
  await requireFreePorts([...portNeeds(choices, ports, temporal), ...(options.morePorts ?? [])]);
  return {
    options,
    given,
    machine,
    choices,
    ports,
    kafkaControllerPort: await pickFreePort(),
    sparePort: await pickFreePort(),
    report,
    signal,
  };
}

async function freePorts(): Promise<PlatformPorts> {
  return {
    postgres: await pickFreePort(),
    kafka: await pickFreePort(),
    temporal: await pickFreePort(),
    temporalUi: await pickFreePort(),
  };
}

function portNeeds(choices: readonly Choice[], ports: PlatformPorts, temporal: 'dev' | 'postgres') {
  const started = new Set(choices.filter(({ from }) => from !== 'environment').map(({ name }) => name));
  const needs = [
    { name: 'postgres', port: ports.postgres, component: 'PostgreSQL', variable: 'POSTGRES_PORT' },
    { name: 'kafka', port: ports.kafka, component: 'Kafka', variable: 'KAFKA_PORT' },
    { name: 'temporal', port: ports.temporal, component: 'Temporal', variable: 'TEMPORAL_PORT' },
    {
      name: 'temporal',
      port: ports.temporalUi,
      component: 'Temporal’s Web UI',
      variable: 'TEMPORAL_UI_PORT',
    },
  ] as const;
  return needs.filter(
    ({ name, variable }) => started.has(name) && (temporal === 'dev' || variable !== 'TEMPORAL_UI_PORT'),
  );
}

/** The components as the table shows them; given servers are asked whether they are there. */
function describe({ choices, given, ports }: Making): Promise<RecordedComponent[]> {
  const own = {
    postgres: platformDatabaseUrl(ports.postgres, 'perennial'),
    kafka: `127.0.0.1:${ports.kafka}`,
    temporal: `127.0.0.1:${ports.temporal}`,
  };
  return Promise.all(
    choices.map(async ({ name, from, version }): Promise<RecordedComponent> => {
      if (from !== 'environment') return { name, version, from, address: own[name] };
      if (name === 'postgres') {
        const url = given.DATABASE_URL ?? '';
        return { name, version: await requireGivenPostgres(url), from, address: withoutPassword(url) };
      }
      const [variable, address = ''] =
        name === 'kafka'
          ? (['KAFKA_BROKERS', given.KAFKA_BROKERS] as const)
          : (['TEMPORAL_ADDRESS', given.TEMPORAL_ADDRESS] as const);
      await requireGivenAddress(variable, address);
      return { name, version, from, address };
    }),
  );
}

async function environmentOf({ choices, given, ports, options }: Making): Promise<Record<string, string>> {
  const environment: Record<string, string> = {};
  for (const { name, from } of choices) {
    const isGiven = from === 'environment';
    if (name === 'postgres') {
      environment['DATABASE_URL'] = given.DATABASE_URL ?? platformDatabaseUrl(ports.postgres, 'perennial');
      environment['SANDBOX_DATABASE_URL'] = isGiven
        ? await sandboxDatabase({ ...given, DATABASE_URL: environment['DATABASE_URL'] })
        : (given.SANDBOX_DATABASE_URL ?? platformDatabaseUrl(ports.postgres, 'perennial_sandbox'));
    } else if (name === 'kafka') {
      environment['KAFKA_BROKERS'] = given.KAFKA_BROKERS ?? `127.0.0.1:${ports.kafka}`;
    } else {
      environment['TEMPORAL_ADDRESS'] = given.TEMPORAL_ADDRESS ?? `127.0.0.1:${ports.temporal}`;
      const hasUi = !isGiven && options.temporal !== 'postgres';
      const ui = given.TEMPORAL_UI_URL ?? (hasUi ? `http://127.0.0.1:${ports.temporalUi}` : undefined);
      if (ui) environment['TEMPORAL_UI_URL'] = ui;
    }
  }
  return environment;
}

function addressesOf(components: readonly RecordedComponent[], environment: Record<string, string>) {
  const addresses = Object.fromEntries(components.map(({ name, address }) => [name, address]));
  const ui = environment['TEMPORAL_UI_URL'];
  return ui ? { ...addresses, temporal_ui: ui } : addresses;
}

async function startServers(made: readonly Made[], starting: AbortController): Promise<void> {
  const starts = new Map<ComponentName, Promise<void>>();
  for (const { server, prepare, after } of made) {
    const before = after ? (starts.get(after) ?? Promise.resolve()) : Promise.resolve();
    const start = Promise.all([prepare?.(), before]).then(() => server.start());
    // One failure ends the other starts: nobody should wait minutes for a build to be told about a missing file.
    starts.set(
      server.name,
      start.catch((error: unknown) => {
        starting.abort(error);
        throw error;
      }),
    );
  }
  await Promise.allSettled(starts.values());
  starting.signal.throwIfAborted();
}

async function stopInOrder(
  servers: readonly Server[],
  how: (server: Server) => Promise<void>,
): Promise<void> {
  const ours = servers.filter(({ from }) => from !== 'environment');
  const first = await Promise.allSettled(ours.filter(({ name }) => name !== 'postgres').map(how));
  const last = await Promise.allSettled(ours.filter(({ name }) => name === 'postgres').map(how));
  for (const result of [...first, ...last]) if (result.status === 'rejected') throw result.reason;
}

class Started implements Platform {
  private stopped: Promise<void> | undefined;

  constructor(
    readonly dir: string,
    readonly components: readonly RecordedComponent[],
    readonly environment: Readonly<Record<string, string>>,
    private readonly servers: readonly Server[],
    readonly state: StateFile,
    private readonly lock: Lock,
  ) {}

  get postgres() {
    return this.server('postgres');
  }
  get kafka() {
    return this.server('kafka');
  }
  get temporal() {
    return this.server('temporal');
  }

  stop(): Promise<void> {
    return this.end((server) => server.stop());
  }
  kill(): Promise<void> {
    return this.end((server) => server.kill());
  }

  private end(how: (server: Server) => Promise<void>): Promise<void> {
    this.stopped ??= stopInOrder(this.servers, how).finally(() => {
      this.state.remove();
      this.lock.release();
    });
    return this.stopped;
  }

  private server(name: ComponentName): Server {
    const found = this.servers.find((server) => server.name === name);
    if (!found) throw new PlatformError('not_ours', `This platform was started without ${name}.`);
    return found;
  }
}
