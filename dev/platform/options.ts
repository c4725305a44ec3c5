/**
 * How a platform is asked for, and how the settings ask for one.
 *
 * Owns: the options' names, units and defaults, and where the repository is. Does not own the settings
 * (`config.ts`).
 */
import { existsSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import type { Config } from '../../config';
import { PlatformError } from './errors';
import type { PortNeed } from './ports';
import type { Report } from './progress';
import type { Given } from './resolution';
import type { Server } from './server';
import type { Exit } from './spawn';
import type { ComponentName } from './state';
import type { Tools } from './tools';

export interface PlatformPorts {
  readonly postgres: number;
  readonly kafka: number;
  readonly temporal: number;
  readonly temporalUi: number;
}

export interface PlatformOptions {
  /** Where the servers keep their data; absolute. Made when it is missing. */
  readonly dir: string;
  /** `free`: any free ports, for tests. */
  readonly ports: PlatformPorts | 'free';
  /** Ports that must be free too, for what is started after the servers. */
  readonly morePorts?: readonly PortNeed[];
  /** Servers that run already; each is used instead of starting one. Default: none. */
  readonly given?: Given;
  /** The development server (default), or the server on PostgreSQL. */
  readonly temporal?: 'dev' | 'postgres';
  /** Default: all three. */
  readonly components?: readonly ComponentName[];
  /** Takes lines of text about what is going on. Default: nobody is told. */
  readonly report?: Report;
  /** Aborts the start; has no effect on a started platform. */
  readonly signal?: AbortSignal;
  /** Temporal's dynamic configuration, key to JSON value. */
  readonly temporalDynamicConfig?: Readonly<Record<string, unknown>>;
  /** `postgresql.conf` settings on top of the platform's own. */
  readonly postgresSettings?: Readonly<Record<string, string>>;
  /** Called when a native server ends though nobody asked it to. */
  readonly onUnexpectedExit?: (server: Server, exit: Exit) => void;
  /** The programs of this machine; another set describes another machine to a test. */
  readonly tools?: Tools;
  /** Default: `cacheRoot()`. */
  readonly cacheDir?: string;
  /** Default: the repository's docker-compose.yml. */
  readonly composeFile?: string;
}

/** For `temporalDynamicConfig` in tests: a workflow id may be used again at once, instead of after a second. */
export const reuseWorkflowIdsAtOnce = { 'history.workflowIdReuseMinimalInterval': 0 } as const;

/** The repository's folder, from the sources as well as from `dist`. */
export function repositoryFolder(): string {
  for (let at = __dirname; at !== dirname(at); at = dirname(at)) {
    if (existsSync(join(at, 'package.json'))) return at;
  }
  throw new PlatformError(
    'start_failed',
    'The platform is not inside its repository: there is no package.json.',
  );
}

/** The repository's compose file. */
export function defaultComposeFile(): string {
  return join(repositoryFolder(), 'docker-compose.yml');
}

/** The platform's options as the settings say them. */
export function platformOptions(config: Config, env: NodeJS.ProcessEnv): PlatformOptions & { given: Given } {
  const given = (name: keyof Given) => (env[name] ? { [name]: env[name] } : {});
  return {
    dir: resolve(repositoryFolder(), config.PLATFORM_DIR),
    ports: {
      postgres: config.POSTGRES_PORT,
      kafka: config.KAFKA_PORT,
      temporal: config.TEMPORAL_PORT,
      temporalUi: config.TEMPORAL_UI_PORT,
    },
    temporal: config.PLATFORM_TEMPORAL,
    given: {
      ...given('DATABASE_URL'),
      ...given('SANDBOX_DATABASE_URL'),
      ...given('KAFKA_BROKERS'),
      ...given('TEMPORAL_ADDRESS'),
      ...given('TEMPORAL_UI_URL'),
    },
  };
}
