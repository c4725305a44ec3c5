/**
 * One server that can be started, stopped, killed and started again in place, on the same port and data.
 *
 * Owns: the order of these for a native process. Does not own what a server is called with or how one knows that it
 * answers (each server's own file). Invariants: operations on one server never overlap; `start` returns only when
 * the server answered a real request; after `stop` and `kill` no process of it is left.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { PlatformError, reasonOf } from './errors';
import { lastLines, sizeOf } from './log-files';
import { childrenOf } from './process-identity';
import { endProcess, killGroup, spawnProcess, type Exit, type RunningProcess, type SpawnPlan } from './spawn';
import type { ComponentName, Origin, StateFile } from './state';
import { untilItWorks } from './waiting';

/** A server as tests handle it. */
export interface Server {
  readonly name: ComponentName;
  readonly version: string;
  readonly from: Origin;
  /** URL or host:port. */
  readonly address: string;
  /** Of the native process while it runs. */
  readonly pid: number | undefined;
  /**
   * Starts it in place; at once when it runs.
   * @throws PlatformError `start_failed` with the end of its log
   */
  start(): Promise<void>;
  /** Stops it in good order; at once when it does not run. */
  stop(): Promise<void>;
  /** SIGKILL, as a crash of its machine would be; returns when nothing of it runs. */
  kill(): Promise<void>;
}

export interface NativeServer {
  readonly name: ComponentName;
  /** As people call it, for messages. */
  readonly title: string;
  readonly version: string;
  readonly address: string;
  readonly stopSignal: NodeJS.Signals;
  readonly stopTimeoutMs: number;
  readonly startTimeoutMs: number;
  /** Makes the data when there is none, and says what to run. */
  plan(): Promise<SpawnPlan>;
  /** Throws until the server answers. */
  answers(): Promise<void>;
  /** Done once it answers, at every start: databases, topics, attributes that must exist. */
  complete?(): Promise<void>;
  /** Whether a start that ended with this log may be tried again. */
  worthRepeating?(log: string): boolean;
}

export interface ServerContext {
  readonly state: StateFile;
  readonly signal?: AbortSignal;
  /** Called when the server ends though nobody asked it to. */
  readonly onUnexpectedExit?: (server: Server, exit: Exit) => void;
}

const repeats = 20;

/** A handle on a native server; it does not run yet. */
export function nativeServer(spec: NativeServer, context: ServerContext): Server {
  return new Native(spec, context);
}

class Native implements Server {
  readonly from = 'native';
  private child: RunningProcess | undefined;
  private last: Promise<unknown> = Promise.resolve();

  constructor(
    private readonly spec: NativeServer,
    private readonly context: ServerContext,
  ) {}

  get name() {
    return this.spec.name;
  }
  get version() {
    return this.spec.version;
  }
  get address() {
    return this.spec.address;
  }
  get pid() {
    return this.child && !this.child.exit() ? this.child.pid : undefined;
  }

  start(): Promise<void> {
    return this.inTurn(async () => {
      if (this.pid !== undefined) return;
      for (let attempt = 1; ; attempt += 1) {
        try {
          return await this.startOnce();
        } catch (error) {
          const again = attempt < repeats && this.spec.worthRepeating?.(reasonOf(error));
          if (!again || this.context.signal?.aborted) throw error;
          await sleep(100);
        }
      }
    });
  }

  stop(): Promise<void> {
    return this.inTurn(() =>
      this.end((child) => endProcess(child, this.spec.stopSignal, this.spec.stopTimeoutMs)),
    );
  }

  kill(): Promise<void> {
    return this.inTurn(() =>
      this.end(async (child) => {
        // PostgreSQL's backends lead groups of their own; a crash of the machine would end them too.
        const descendants = childrenOf(child.pid);
        killGroup(child);
        for (const pid of descendants) {
          try {
            process.kill(pid, 'SIGKILL');
          } catch {
            // It ended with its parent.
          }
        }
        await child.exited;
      }),
    );
  }

  private inTurn(operation: () => Promise<void>): Promise<void> {
    const next = this.last.then(operation, operation);
    this.last = next.catch(() => undefined);
    return next;
  }

  private async end(how: (child: RunningProcess) => Promise<unknown>): Promise<void> {
    const child = this.child;
    if (!child) return;
    this.child = undefined;
    await how(child);
    this.context.state.ended(this.spec.name);
  }

  private async startOnce(): Promise<void> {
    const plan = await this.spec.plan();
    this.context.signal?.throwIfAborted();
    const logSize = sizeOf(plan.logFile);
    const child = await spawnProcess(plan);
    this.child = child;
    this.context.state.started(this.spec.name, 'server', child);
    try {
      await this.untilAnswers(child);
      await this.spec.complete?.();
    } catch (error) {
      await this.end((it) => endProcess(it, this.spec.stopSignal, this.spec.stopTimeoutMs));
      this.context.signal?.throwIfAborted();
      const tail = await lastLines(plan.logFile, 12, logSize);
      throw new PlatformError(
        'start_failed',
        `${this.spec.title} did not start: ${reasonOf(error)}\n  The end of ${plan.logFile}:\n${tail.replace(/^/gm, '    ')}`,
        { cause: error },
      );
    }
    void child.exited.then((exit) => {
      if (this.child !== child) return;
      this.child = undefined;
      this.context.state.ended(this.spec.name);
      this.context.onUnexpectedExit?.(this, exit);
    });
  }

  private async untilAnswers(child: RunningProcess): Promise<void> {
    const gaveUp = new AbortController();
    const { signal } = this.context;
    const died = child.exited.then((exit) => {
      throw new Error(`it ended with ${exit.signal ?? `code ${exit.code}`}`);
    });
    try {
      await Promise.race([
        untilItWorks(() => this.spec.answers(), {
          timeoutMs: this.spec.startTimeoutMs,
          signal: signal ? AbortSignal.any([signal, gaveUp.signal]) : gaveUp.signal,
        }),
        died,
      ]);
    } finally {
      gaveUp.abort();
      died.catch(() => undefined);
    }
  }
}

/** A server that was given by its address: it can be used and not handled. */
export function givenServer(name: ComponentName, version: string, address: string, variable: string): Server {
  const refuse = () =>
    Promise.reject(
      new PlatformError('not_ours', `${variable} names this server; only its own operator can stop it.`),
    );
  return {
    name,
    version,
    from: 'environment',
    address,
    pid: undefined,
    start: () => Promise.resolve(),
    stop: refuse,
    kill: refuse,
  };
}
