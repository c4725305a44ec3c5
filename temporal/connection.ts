/** Connections to Temporal. */
import { Client, type ConnectionLike, type Metadata } from '@temporalio/client';
import { NativeConnection } from '@temporalio/worker';
import { WorkflowClient } from './client';
import { TemporalUnavailable } from './unavailable';

export interface TemporalSettings {
  address: string;
  namespace: string;
  /** Undefined: no TLS. Without a pair, the client has no certificate. */
  tls: { clientCertPair?: { crt: Buffer; key: Buffer } } | undefined;
  apiKey: string | undefined;
}

export interface TemporalConnection {
  workflows: WorkflowClient;
  close(): Promise<void>;
}

/** Connects when it is first used, and again until that succeeds: a process starts while Temporal is unavailable. */
export function connectLazily(settings: TemporalSettings): TemporalConnection {
  const connection = new LazyNativeConnection(settings);
  return {
    workflows: workflowsOver(connection, settings),
    close: () => connection.close(),
  };
}

/** Connects at once, as a worker needs it. @throws when Temporal is unavailable */
export async function connect(
  settings: TemporalSettings,
): Promise<TemporalConnection & { native: NativeConnection }> {
  const native = await connectNatively(settings);
  return { native, workflows: workflowsOver(native, settings), close: () => native.close() };
}

function workflowsOver(connection: ConnectionLike, { namespace }: TemporalSettings): WorkflowClient {
  return new WorkflowClient(new Client({ connection, namespace }));
}

/** Compression costs more than it saves: messages are small, and Temporal is near. */
function connectNatively({ address, tls, apiKey }: TemporalSettings): Promise<NativeConnection> {
  return NativeConnection.connect({ address, tls, apiKey, grpcCompression: { codec: 'none' } });
}

/** The SDK's native connection connects at once or not at all. Calls have to be made within `withDeadline`. */
class LazyNativeConnection implements ConnectionLike {
  readonly plugins = [];
  private connecting: Promise<NativeConnection> | undefined;
  private connected: NativeConnection | undefined;

  constructor(private readonly settings: TemporalSettings) {}

  get workflowService() {
    return this.made().workflowService;
  }

  get operatorService() {
    return this.made().operatorService;
  }

  async ensureConnected(): Promise<void> {
    await this.connect();
  }

  async withDeadline<R>(deadline: number | Date, work: () => Promise<R>): Promise<R> {
    const connection = this.connected ?? (await within(Number(deadline), this.connect()));
    return connection.withDeadline(deadline, work);
  }

  async withMetadata<R>(metadata: Metadata, work: () => Promise<R>): Promise<R> {
    return (await this.connect()).withMetadata(metadata, work);
  }

  async withAbortSignal<R>(signal: AbortSignal, work: () => Promise<R>): Promise<R> {
    return (await this.connect()).withAbortSignal(signal, work);
  }

  async close(): Promise<void> {
    const made = await this.connecting?.catch(() => undefined);
    await made?.close();
  }

  private async connect(): Promise<NativeConnection> {
    if (this.connected !== undefined) return this.connected;
    this.connecting ??= connectNatively(this.settings);
    try {
      this.connected = await this.connecting;
      return this.connected;
    } catch (error) {
      this.connecting = undefined;
      throw new TemporalUnavailable(error instanceof Error ? error.message : String(error), { cause: error });
    }
  }

  private made(): NativeConnection {
    if (this.connected === undefined) throw new Error('Temporal is called outside of withDeadline');
    return this.connected;
  }
}

/** @param deadline milliseconds since 1970 @throws TemporalUnavailable when it comes first; connecting continues */
async function within<T>(deadline: number, connecting: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(
      () => reject(new TemporalUnavailable('Temporal does not answer')),
      deadline - Date.now(),
    );
  });
  return Promise.race([connecting, late]).finally(() => clearTimeout(timer));
}
