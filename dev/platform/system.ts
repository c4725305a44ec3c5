/**
 * The whole system in one folder: the servers, the migrations, and Perennial's own processes.
 *
 * Owns: their order, and the environment that the processes get. Used by `make up`, the demo and tests. Invariants:
 * a failed start leaves nothing running; the product stops before the servers; two systems in two folders with free
 * ports never meet.
 */
import { createHash, randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Config } from '../../config';
import { PlatformError } from './errors';
import { platformOptions, repositoryFolder, type PlatformOptions } from './options';
import { startPlatform, type Platform } from './platform';
import { pickFreePort } from './ports';
import { ProductProcess, mainOf, type ProductContext } from './product';
import { elapsedText } from './progress';
import type { Exit } from './spawn';
import { environmentWithHome, runLong } from './tools';

export interface SystemOptions extends PlatformOptions {
  /** Ports of the REST API and of the sandbox provider; `free`: any free ones, for tests. */
  readonly productPorts: { readonly api: number; readonly sandbox: number } | 'free';
  /** Port of the metrics of the one process `all`; left out: none are served, for several cannot share a port. */
  readonly metricsPort?: number;
  /** Names of files in `dist/bin`, one process each; `bridge#2` is a second one of `bridge`. Default: `all`. */
  readonly processes?: readonly string[];
  /** Variables on top of those that this process has and those that follow from the servers; undefined unsets one. */
  readonly productEnvironment?: Readonly<Record<string, string | undefined>>;
  /** The compiled sources. Default: the repository's `dist`. */
  readonly distDir?: string;
  /** How long a process may take until it is ready, milliseconds. Default: 60 s. */
  readonly readyTimeoutMs?: number;
  /** How long a process may take to stop, milliseconds, before it is killed. Default: 30 s. */
  readonly stopTimeoutMs?: number;
  /** Called when one of Perennial's processes ends though nobody asked it to. */
  readonly onProductExit?: (process: ProductProcess, exit: Exit) => void;
}

export interface System {
  readonly platform: Platform;
  readonly apiUrl: string;
  readonly sandboxUrl: string;
  /** An API key with every scope. */
  readonly apiKey: string;
  /** The environment of Perennial's processes. */
  readonly environment: Readonly<NodeJS.ProcessEnv>;
  /** Milliseconds from the call to everything being ready. */
  readonly startedInMs: number;
  /** One of Perennial's processes. @throws PlatformError when it was not among `processes` */
  product(name: string): ProductProcess;
  /** Stops the product, then the servers, PostgreSQL last. */
  stop(): Promise<void>;
  /** SIGKILL for everything, as a power cut would be. The data stays. */
  kill(): Promise<void>;
}

/** The system's options as the settings say them. */
export function systemOptions(config: Config, env: NodeJS.ProcessEnv): SystemOptions {
  return {
    ...platformOptions(config, env),
    productPorts: { api: config.API_PORT, sandbox: config.SANDBOX_PORT },
    metricsPort: config.METRICS_PORT,
    stopTimeoutMs: config.SHUTDOWN_TIMEOUT_MS + 5_000,
  };
}

/** A key for development, made once for a folder; production sets its own. */
function developmentKey(dir: string): string {
  const path = join(dir, 'api-key');
  try {
    const key = readFileSync(path, 'utf8').trim();
    if (key.length >= 32) return key;
  } catch {
    // The first start.
  }
  const key = `dev_${randomBytes(24).toString('base64url')}`;
  writeFileSync(path, `${key}\n`, { mode: 0o600 });
  return key;
}

/** The same for every process of one folder, and none of its neighbours'. */
function developmentWebhookSecret(apiKey: string): string {
  return `whsec_${createHash('sha256').update(`webhooks of the sandbox ${apiKey}`).digest('base64')}`;
}

async function migrate(options: SystemOptions, distDir: string, env: NodeJS.ProcessEnv): Promise<void> {
  const logFile = join(options.dir, 'logs', 'migrate.log');
  const lines: string[] = [];
  const code = await runLong({
    command: process.execPath,
    args: ['--enable-source-maps', mainOf(distDir, 'migrate')],
    cwd: join(distDir, '..'),
    env,
    logFile,
    onLine: (line) => lines.push(line),
    signal: options.signal,
  });
  if (code === 0) return;
  const end = lines.slice(-12).map((line) => `    ${line}`);
  throw new PlatformError(
    'product_failed',
    `The migrations failed (bin/migrate ended with ${code === null ? 'a signal' : `code ${code}`}):\n${end.join('\n')}\n  All of it: ${logFile}`,
  );
}

/** Where nothing else is said, customers are told by files in the folder. */
function notificationFiles(dir: string): Record<string, string> {
  if (process.env['NOTIFY_TRANSPORT']) return {};
  return { NOTIFY_TRANSPORT: 'file', NOTIFY_OUTBOX_DIR: join(dir, 'notifications') };
}

/** Where nothing else is said, callers may ask as often as they like: there are no others. */
function withoutLimits(): Record<string, string> {
  const limits = [
    'API_REQUESTS_PER_SECOND',
    'API_REQUESTS_IN_FLIGHT',
    'API_FAILED_AUTHENTICATIONS_PER_MINUTE',
    'WEBHOOKS_PER_SECOND',
  ];
  return Object.fromEntries(limits.map((name) => [name, process.env[name] || '0']));
}

function environmentOf(options: SystemOptions, platform: Platform, ports: { api: number; sandbox: number }) {
  const set: Record<string, string | undefined> = {
    ...environmentWithHome(),
    ...platform.environment,
    API_PORT: String(ports.api),
    SANDBOX_PORT: String(ports.sandbox),
    METRICS_PORT: String(options.metricsPort ?? 0),
    ...withoutLimits(),
    ...notificationFiles(options.dir),
    ...options.productEnvironment,
  };
  const apiKey = set['BOOTSTRAP_API_KEY'] || developmentKey(options.dir);
  // An empty one is a wish, too: no webhooks.
  const SANDBOX_WEBHOOK_SECRETS = set['SANDBOX_WEBHOOK_SECRETS'] ?? developmentWebhookSecret(apiKey);
  const environment = Object.entries({ ...set, BOOTSTRAP_API_KEY: apiKey, SANDBOX_WEBHOOK_SECRETS }).filter(
    (entry): entry is [string, string] => entry[1] !== undefined,
  );
  return { apiKey, environment: Object.fromEntries(environment) };
}

async function portsOf(options: SystemOptions): Promise<{ api: number; sandbox: number }> {
  if (options.productPorts !== 'free') return options.productPorts;
  return { api: await pickFreePort(), sandbox: await pickFreePort() };
}

/**
 * Starts servers, migrates, starts Perennial's processes, and returns when everything is ready.
 * @throws PlatformError with a message for people; whatever had been started has been stopped again
 */
export async function startSystem(options: SystemOptions): Promise<System> {
  const beganAt = Date.now();
  const { report = () => undefined, processes = ['all'] } = options;
  const distDir = options.distDir ?? join(repositoryFolder(), 'dist');
  // Minutes of building end badly when only then a missing file is found.
  for (const name of ['migrate', ...processes]) mainOf(distDir, name);
  const ports = await portsOf(options);
  const sandboxUrl =
    options.productEnvironment?.['SANDBOX_PROVIDER_URL'] ?? process.env['SANDBOX_PROVIDER_URL'];
  const platform = await startPlatform({
    ...options,
    morePorts: [
      { port: ports.api, component: 'the REST API', variable: 'API_PORT' },
      ...(sandboxUrl
        ? []
        : [{ port: ports.sandbox, component: 'the sandbox provider', variable: 'SANDBOX_PORT' }]),
      ...(options.metricsPort
        ? [{ port: options.metricsPort, component: 'the metrics', variable: 'METRICS_PORT' }]
        : []),
    ],
  });
  const running = new Map<string, ProductProcess>();
  try {
    mkdirSync(join(options.dir, 'logs'), { recursive: true });
    const { apiKey, environment } = environmentOf(options, platform, ports);
    report(`Servers are up after ${elapsedText(Date.now() - beganAt)}; migrating.`);
    await migrate(options, distDir, environment);
    const context: ProductContext = {
      distDir,
      logDir: join(options.dir, 'logs'),
      environment,
      apiPort: ports.api,
      sandboxPort: ports.sandbox,
      readyTimeoutMs: options.readyTimeoutMs ?? 60_000,
      stopTimeoutMs: options.stopTimeoutMs ?? 30_000,
      state: platform.state,
      onUnexpectedExit: options.onProductExit,
    };
    for (const name of processes) running.set(name, new ProductProcess(name, context));
    await startAll([...running.values()], options.signal);
    const system = {
      platform,
      apiUrl: `http://127.0.0.1:${ports.api}`,
      sandboxUrl: sandboxUrl || `http://127.0.0.1:${ports.sandbox}`,
      apiKey,
      environment,
      startedInMs: Date.now() - beganAt,
    };
    platform.state.set({ addresses: { api: system.apiUrl, sandbox: system.sandboxUrl } });
    return new Started(system, running);
  } catch (error) {
    await Promise.allSettled([...running.values()].map((process) => process.stop()));
    await platform.stop().catch(() => undefined);
    throw error;
  }
}

async function startAll(processes: readonly ProductProcess[], signal: AbortSignal | undefined) {
  const results = await Promise.allSettled(processes.map((process) => process.start({ signal })));
  for (const result of results) if (result.status === 'rejected') throw result.reason;
}

type Facts = Omit<System, 'product' | 'stop' | 'kill'>;

class Started implements System {
  readonly platform: Platform;
  readonly apiUrl: string;
  readonly sandboxUrl: string;
  readonly apiKey: string;
  readonly environment: Readonly<NodeJS.ProcessEnv>;
  readonly startedInMs: number;

  constructor(
    facts: Facts,
    private readonly running: ReadonlyMap<string, ProductProcess>,
  ) {
    this.platform = facts.platform;
    this.apiUrl = facts.apiUrl;
    this.sandboxUrl = facts.sandboxUrl;
    this.apiKey = facts.apiKey;
    this.environment = facts.environment;
    this.startedInMs = facts.startedInMs;
  }

  product(name: string): ProductProcess {
    const found = this.running.get(name);
    if (!found) throw new PlatformError('not_ours', `This system was started without the process ${name}.`);
    return found;
  }

  async stop(): Promise<void> {
    await Promise.all([...this.running.values()].map((process) => process.stop()));
    await this.platform.stop();
  }

  async kill(): Promise<void> {
    await Promise.all([...this.running.values()].map((process) => process.kill()));
    await this.platform.kill();
  }
}
