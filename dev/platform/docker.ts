/**
 * The third way to a server: a service of the repository's docker-compose.yml.
 *
 * Owns: whether an engine answers, and the calls of `docker compose`. Does not own the file. Invariant: a platform
 * folder has a compose project of its own, so that tests never touch the developer's containers.
 */
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { PlatformError } from './errors';
import type { Server } from './server';
import type { ComponentName } from './state';
import { environmentWithHome, runLong, type Tools } from './tools';

export interface DockerOptions {
  /** The platform's folder. */
  readonly dir: string;
  readonly composeFile: string;
  /** Ports that the file publishes, by setting: POSTGRES_PORT, KAFKA_PORT, TEMPORAL_PORT, TEMPORAL_UI_PORT. */
  readonly ports: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal;
}

/** Why Docker cannot be used here; undefined when it can. */
export async function dockerProblem(tools: Tools, composeFile: string): Promise<string | undefined> {
  const docker = await tools.find('docker');
  if (!docker) return 'docker is not installed';
  if ((await tools.run(docker, ['info'])).code !== 0) return 'no Docker engine answers (`docker info` fails)';
  if ((await tools.run(docker, ['compose', 'version'])).code !== 0)
    return '`docker compose` is not installed';
  if (!existsSync(composeFile)) return `${composeFile} is missing`;
  return undefined;
}

/** The compose project of a platform folder. */
function composeProject(dir: string): string {
  return `perennial-${createHash('sha256').update(dir).digest('hex').slice(0, 10)}`;
}

/**
 * Calls `docker compose` for one platform folder.
 * @throws PlatformError `start_failed` with the end of what it printed
 */
export async function compose(options: DockerOptions, args: readonly string[]): Promise<void> {
  const lines: string[] = [];
  const code = await runLong({
    command: 'docker',
    args: ['compose', '-p', composeProject(options.dir), '-f', options.composeFile, ...args],
    cwd: options.dir,
    env: environmentWithHome({ ...options.ports }),
    logFile: join(options.dir, 'docker.log'),
    onLine: (line) => lines.push(line),
    signal: options.signal,
  });
  if (code === 0) return;
  const end = lines.slice(-6).map((line) => `    ${line}`);
  throw new PlatformError('start_failed', `docker compose ${args.join(' ')} failed:\n${end.join('\n')}`);
}

/** A handle on a service of the compose file; it does not run yet. */
export function dockerServer(
  name: ComponentName,
  version: string,
  address: string,
  options: DockerOptions,
): Server {
  return {
    name,
    version,
    from: 'docker',
    address,
    pid: undefined,
    start: () => compose(options, ['up', '-d', '--wait', name]),
    stop: () => compose({ ...options, signal: undefined }, ['stop', name]),
    kill: () => compose(options, ['kill', '-s', 'SIGKILL', name]),
  };
}
