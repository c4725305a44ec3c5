/**
 * Temporal's development server, of the Temporal CLI: one process, SQLite, with the Web UI.
 *
 * Owns: finding or building the CLI, and its arguments. Invariant: it listens on the loopback interface only.
 */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { installGoPrograms, type BuildContext } from './builds';
import { ensureCached, machineSuffix, type CacheEntry, type CacheOptions } from './cache';
import type { NativeServer } from './server';
import { searchAttributes, temporalAnswers } from './temporal-answers';
import { environmentWithHome, type Tools } from './tools';

/** The last release that `go install` accepts; later ones carry a `replace`. */
const cliVersion = '1.5.1';
const cliServerVersion = '1.29.1';

/** The name of the CLI in the cache. */
export const cliCache = { component: 'temporal-cli', version: `${cliVersion}-${machineSuffix}` } as const;

export interface TemporalCli {
  /** The program `temporal`; undefined when it has to be built first. */
  readonly path: string | undefined;
  /** CLI and server version. */
  readonly version: string;
}

/** What is built when no CLI is installed. */
export const builtCli: TemporalCli = { path: undefined, version: `${cliServerVersion} (CLI ${cliVersion})` };

/** Reads what `temporal --version` prints; undefined when its server is older than 1.28. */
function cliFromVersionText(path: string, text: string): TemporalCli | undefined {
  const [, cli, major, minor, patch] =
    /version (\S+) \(Server (\d+)\.(\d+)\.(\d+)/i.exec(text) ?? ([] as string[]);
  if (!cli || (Number(major) === 1 && Number(minor) < 28)) return undefined;
  return { path, version: `${major}.${minor}.${patch} (CLI ${cli})` };
}

/** The CLI on PATH, when its server understands update-with-start (1.28 or later). */
export async function installedCli(tools: Tools): Promise<TemporalCli | undefined> {
  const path = await tools.find('temporal');
  if (!path) return undefined;
  return cliFromVersionText(path, (await tools.run(path, ['--version'])).output);
}

/** The CLI in the cache. */
function cliEntry(context: BuildContext): CacheEntry {
  return {
    ...cliCache,
    build: (folder) =>
      installGoPrograms(
        {
          title: `Temporal CLI ${cliVersion}`,
          variable: 'TEMPORAL_ADDRESS',
          packages: [`github.com/temporalio/cli/cmd/temporal@v${cliVersion}`],
          linkerFlags: `-s -w -X github.com/temporalio/cli/temporalcli.Version=${cliVersion}`,
        },
        folder,
        context,
      ),
  };
}

/** The program `temporal`, built when it is not there. */
export async function temporalCli(
  cli: TemporalCli,
  context: BuildContext,
  options: CacheOptions,
): Promise<string> {
  return cli.path ?? join(await ensureCached(cliEntry(context), options), 'bin', 'temporal');
}

export interface TemporalDevOptions {
  /** The platform's folder. */
  readonly dir: string;
  readonly port: number;
  readonly uiPort: number;
  /** The program `temporal`. */
  readonly program: string;
  readonly version: string;
  /** Dynamic configuration: key to JSON value. */
  readonly dynamicConfig: Readonly<Record<string, unknown>>;
}

/** The environment without the CLI's own variables, which may point it at another server. */
function environment(): NodeJS.ProcessEnv {
  const env = environmentWithHome();
  return Object.fromEntries(Object.entries(env).filter(([name]) => !name.startsWith('TEMPORAL_')));
}

/** How the platform runs the development server. */
export function temporalDevServer(options: TemporalDevOptions): NativeServer {
  const folder = join(options.dir, 'temporal');
  return {
    name: 'temporal',
    title: 'Temporal',
    version: options.version,
    address: `127.0.0.1:${options.port}`,
    stopSignal: 'SIGTERM',
    stopTimeoutMs: 10_000,
    startTimeoutMs: 60_000,
    plan: () => {
      mkdirSync(folder, { recursive: true });
      return Promise.resolve({
        command: options.program,
        args: [
          'server',
          'start-dev',
          '--ip',
          '127.0.0.1',
          '--port',
          String(options.port),
          '--ui-port',
          String(options.uiPort),
          '--db-filename',
          join(folder, 'dev.db'),
          '--log-level',
          'warn',
          '--log-format',
          'json',
          '--color',
          'never',
          ...Object.entries(searchAttributes).flatMap(([name, { cli }]) => [
            '--search-attribute',
            `${name}=${cli}`,
          ]),
          ...Object.entries(options.dynamicConfig).flatMap(([key, value]) => [
            '--dynamic-config-value',
            `${key}=${JSON.stringify(value)}`,
          ]),
        ],
        cwd: folder,
        env: environment(),
        logFile: join(folder, 'temporal.log'),
        orphanSignal: 'SIGKILL',
      });
    },
    answers: () => temporalAnswers(options.port),
  };
}
