/**
 * Perennial's own processes, as children: `dist/bin/<name>.js`.
 *
 * Owns: starting, signalling and stopping one of them, and how one knows that it is ready. Does not own its
 * environment (`system.ts`). Invariants: a process is recorded in `platform.json` from its first moment, so that a
 * killed run's processes are found again; several of one kind have one file, and what follows a `#` in the name
 * tells them apart (`bridge`, `bridge#2`).
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { PlatformError, reasonOf } from './errors';
import { lastLines, sizeOf } from './log-files';
import { endProcess, spawnProcess, type Exit, type RunningProcess } from './spawn';
import type { StateFile } from './state';
import { canConnect, untilItWorks } from './waiting';

export interface ProductContext {
  /** The folder with `bin/<name>.js`. */
  readonly distDir: string;
  /** Where logs go. */
  readonly logDir: string;
  readonly environment: NodeJS.ProcessEnv;
  readonly apiPort: number;
  readonly sandboxPort: number;
  readonly readyTimeoutMs: number;
  readonly stopTimeoutMs: number;
  readonly state: StateFile;
  readonly onUnexpectedExit?: (process: ProductProcess, exit: Exit) => void;
}

/** The compiled main of a process. @throws PlatformError `product_failed` when it has not been compiled */
export function mainOf(distDir: string, name: string): string {
  const path = join(distDir, 'bin', `${name.split('#')[0]}.js`);
  if (existsSync(path)) return path;
  throw new PlatformError('product_failed', `${path} is missing. Compile first: \`npm run build\`.`);
}

/** @throws until the API says that it is ready, with its answer */
async function apiReady(port: number): Promise<void> {
  const response = await fetch(`http://127.0.0.1:${port}/readyz`, { signal: AbortSignal.timeout(5_000) });
  if (response.status === 200) return;
  throw new Error(`/readyz answers ${response.status}: ${(await response.text()).slice(0, 500)}`);
}

export class ProductProcess {
  private child: RunningProcess | undefined;
  private logStart = 0;

  constructor(
    /** As the file in `dist/bin` is called; of several, with `#` and something more. */
    readonly name: string,
    private readonly context: ProductContext,
  ) {}

  /** Of the process while it runs. */
  get pid(): number | undefined {
    return this.child && !this.child.exit() ? this.child.pid : undefined;
  }

  /** Where its output goes; every run appends. */
  get logFile(): string {
    return join(this.context.logDir, `${this.name}.log`);
  }

  /** Settles when the process that was last started ends; never before the first start. */
  get exited(): Promise<Exit> {
    return this.child?.exited ?? new Promise(() => undefined);
  }

  /** The last lines that its latest run has printed. */
  lastOutput(): Promise<string> {
    return lastLines(this.logFile, 20, this.logStart);
  }

  /**
   * Starts it, at once when it runs, and returns when it is ready: for `all` and `api` when /readyz answers 200, for
   * `sandbox` when its port is open, for others when the process is there.
   * @throws PlatformError `product_failed` with the end of its log; it has been stopped then
   */
  async start(options: { readonly signal?: AbortSignal } = {}): Promise<void> {
    if (this.pid !== undefined) return;
    const { distDir, environment, state } = this.context;
    this.logStart = sizeOf(this.logFile);
    const child = await spawnProcess({
      command: process.execPath,
      args: ['--enable-source-maps', mainOf(distDir, this.name)],
      cwd: join(distDir, '..'),
      env: environment,
      logFile: this.logFile,
      // Its servers go down in the same moment; there is nothing left that it could finish.
      orphanSignal: 'SIGKILL',
    });
    this.child = child;
    state.started(this.name, 'product', child);
    try {
      await this.untilReady(child, options.signal);
    } catch (error) {
      await this.stop();
      options.signal?.throwIfAborted();
      const tail = await this.lastOutput();
      throw new PlatformError(
        'product_failed',
        `${this.name} did not become ready: ${reasonOf(error)}\n  The end of ${this.logFile}:\n${tail.replace(/^/gm, '    ')}`,
        { cause: error },
      );
    }
    void child.exited.then((exit) => {
      if (this.child !== child) return;
      state.ended(this.name);
      this.context.onUnexpectedExit?.(this, exit);
    });
  }

  /**
   * Sends a signal, SIGKILL by default. Returns when the process has ended, where the signal asks for that.
   */
  async kill(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    const child = this.child;
    if (!child || child.exit()) return;
    const ends = ['SIGKILL', 'SIGTERM', 'SIGINT', 'SIGHUP', 'SIGQUIT'].includes(signal);
    if (ends) this.child = undefined;
    try {
      process.kill(child.pid, signal);
    } catch {
      // It ended in this very moment.
    }
    if (!ends) return;
    await child.exited;
    this.context.state.ended(this.name);
  }

  /** Asks it to end (SIGTERM), makes it when that takes too long, and waits until it has. */
  async stop(): Promise<void> {
    const child = this.child;
    if (!child) return;
    this.child = undefined;
    await endProcess(child, 'SIGTERM', this.context.stopTimeoutMs);
    this.context.state.ended(this.name);
  }

  private async untilReady(child: RunningProcess, signal: AbortSignal | undefined): Promise<void> {
    const { apiPort, sandboxPort, readyTimeoutMs } = this.context;
    const probes: Readonly<Record<string, () => Promise<void>>> = {
      all: () => apiReady(apiPort),
      api: () => apiReady(apiPort),
      sandbox: () => canConnect('127.0.0.1', sandboxPort),
    };
    const probe = probes[this.name];
    if (!probe) return;
    const gaveUp = new AbortController();
    const died = child.exited.then((exit) => {
      throw new Error(`it ended with ${exit.signal ?? `code ${exit.code}`}`);
    });
    try {
      const both = signal ? AbortSignal.any([signal, gaveUp.signal]) : gaveUp.signal;
      await Promise.race([untilItWorks(probe, { timeoutMs: readyTimeoutMs, signal: both }), died]);
    } finally {
      gaveUp.abort();
      died.catch(() => undefined);
    }
  }
}
