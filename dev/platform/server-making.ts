/**
 * From the decision where a server comes from to a handle that starts it.
 *
 * Owns: which programs are needed for which choice. Building them belongs to the start, so that PostgreSQL is up
 * while Temporal is still being compiled.
 */
import type { BuildContext } from './builds';
import type { CacheOptions } from './cache';
import { dockerServer, type DockerOptions } from './docker';
import { PlatformError } from './errors';
import { kafkaPrograms, kafkaServer } from './kafka';
import type { PlatformOptions, PlatformPorts } from './options';
import { postgresServer } from './postgres';
import { postgresPrograms } from './postgres-programs';
import { platformDatabaseUrl } from '../../config';
import type { Report } from './progress';
import { variableOf, type Choice, type Given, type Machine } from './resolution';
import { givenServer, nativeServer, type NativeServer, type Server, type ServerContext } from './server';
import type { ComponentName, RecordedComponent, StateFile } from './state';
import { databaseUser } from './system-user';
import { temporalCli, temporalDevServer } from './temporal-dev';
import { temporalOnPostgresServer, temporalServerPrograms } from './temporal-on-postgres';

/** Everything decided before the first server starts. */
export interface Making {
  readonly options: PlatformOptions;
  readonly given: Given;
  readonly machine: Machine;
  readonly choices: readonly Choice[];
  readonly ports: PlatformPorts;
  /** Where Kafka's controller listens; nobody else connects to it. */
  readonly kafkaControllerPort: number;
  /** What compose publishes for services that nobody asked Docker for, but that others depend on. */
  readonly sparePort: number;
  readonly report: Report;
  /** Aborts the start; never aborted once all have started, so that servers can be started again in place. */
  readonly signal: AbortSignal;
}

export interface Made {
  readonly server: Server;
  /** Fetches or builds its programs, where it has any, without starting it. */
  readonly prepare?: () => Promise<unknown>;
  /** A server that must answer before this one starts. */
  readonly after?: ComponentName;
}

/** A native server whose programs are fetched or built when it starts for the first time. */
class Prepared implements Server {
  readonly from = 'native';
  private server: Promise<Server> | undefined;
  private made: Server | undefined;

  constructor(
    private readonly component: RecordedComponent,
    private readonly making: () => Promise<NativeServer>,
    private readonly context: ServerContext,
  ) {}

  get name() {
    return this.component.name;
  }
  get version() {
    return this.component.version;
  }
  get address() {
    return this.component.address;
  }
  get pid() {
    return this.made?.pid;
  }

  prepare(): Promise<Server> {
    this.server ??= this.making().then((spec) => nativeServer(spec, this.context));
    return this.server;
  }
  async start(): Promise<void> {
    this.made = await this.prepare();
    await this.made.start();
  }
  async stop(): Promise<void> {
    await this.made?.stop();
  }
  async kill(): Promise<void> {
    await this.made?.kill();
  }
}

async function nativeSpec(name: ComponentName, making: Making, choice: Choice): Promise<NativeServer> {
  const { options, machine, ports, report, signal } = making;
  const { dir } = options;
  const context: BuildContext = { report, tools: machine.tools, signal };
  const cache: CacheOptions = { root: machine.cacheDir, report, signal };
  if (name === 'postgres') {
    const found = machine.postgres;
    if (!found) throw new PlatformError('missing_tools', 'The npm package with PostgreSQL is not installed.');
    const user = await databaseUser(machine.tools);
    const programs = await postgresPrograms(found, user, cache);
    const settings = options.postgresSettings;
    return postgresServer({
      dir,
      port: ports.postgres,
      programs,
      version: found.version,
      user,
      settings,
      signal,
    });
  }
  if (name === 'kafka') {
    const java = (await machine.tools.find('java')) ?? 'java';
    const programs = await kafkaPrograms(context, cache);
    return kafkaServer({
      dir,
      port: ports.kafka,
      controllerPort: making.kafkaControllerPort,
      programs,
      java,
      signal,
    });
  }
  const dynamicConfig = options.temporalDynamicConfig ?? {};
  if (choice.cli) {
    const program = await temporalCli(choice.cli, context, cache);
    const { version } = choice;
    return temporalDevServer({
      dir,
      port: ports.temporal,
      uiPort: ports.temporalUi,
      program,
      version,
      dynamicConfig,
    });
  }
  const programs = await temporalServerPrograms(context, cache);
  const databaseUrl = making.given.DATABASE_URL ?? platformDatabaseUrl(ports.postgres, 'perennial');
  return temporalOnPostgresServer({
    dir,
    port: ports.temporal,
    programs,
    databaseUrl,
    dynamicConfig,
    signal,
  });
}

function dockerOptions(making: Making): DockerOptions {
  const fromDocker = new Set(making.choices.filter(({ from }) => from === 'docker').map(({ name }) => name));
  const port = (name: ComponentName, wanted: number) =>
    // A service that is only somebody's dependency must not ask for the port of the native server.
    String(fromDocker.has(name) ? wanted : making.sparePort);
  return {
    dir: making.options.dir,
    composeFile: making.machine.composeFile,
    ports: {
      POSTGRES_PORT: port('postgres', making.ports.postgres),
      KAFKA_PORT: port('kafka', making.ports.kafka),
      TEMPORAL_PORT: port('temporal', making.ports.temporal),
      TEMPORAL_UI_PORT: port('temporal', making.ports.temporalUi),
    },
    signal: making.signal,
  };
}

/** Handles on all components, none of them started yet. */
export function makeServers(
  making: Making,
  components: readonly RecordedComponent[],
  state: StateFile,
): Made[] {
  const { signal } = making;
  const { onUnexpectedExit } = making.options;
  return components.map((component): Made => {
    const { name, version, address } = component;
    const choice = making.choices.find((one) => one.name === name);
    if (!choice || choice.from === 'environment') {
      return { server: givenServer(name, version, address, variableOf[name]) };
    }
    if (choice.from === 'docker')
      return { server: dockerServer(name, version, address, dockerOptions(making)) };
    const server = new Prepared(component, () => nativeSpec(name, making, choice), {
      state,
      signal,
      onUnexpectedExit,
    });
    const onPostgres = name === 'temporal' && !choice.cli;
    return { server, prepare: () => server.prepare(), ...(onPostgres && { after: 'postgres' }) };
  });
}
