/** Connections to Temporal, made from the settings. */
import { readFileSync } from 'node:fs';
import { Client, type ConnectionLike, type Metadata } from '@temporalio/client';
import { NativeConnection } from '@temporalio/worker';
import type { Config } from '../config';

/** Address and credentials, the same for clients and workers. */
export function temporalAddress(config: Config) {
  const { TEMPORAL_TLS_CERT_FILE: crt, TEMPORAL_TLS_KEY_FILE: key } = config;
  const pair = crt && key ? { clientCertPair: { crt: readFileSync(crt), key: readFileSync(key) } } : {};
  return {
    address: config.TEMPORAL_ADDRESS,
    tls: config.TEMPORAL_TLS || crt ? pair : undefined,
    apiKey: config.TEMPORAL_API_KEY,
  };
}

export interface TemporalClient {
  client: Client;
  close(): Promise<void>;
}

/**
 * A client over a native connection that is made when it is first used, and again until that succeeds. Every call has
 * to be made within `withDeadline`.
 */
export function lazyNativeTemporalClient(config: Config): TemporalClient {
  const connection = new LazyNativeConnection(config);
  return {
    client: new Client({ connection, namespace: config.TEMPORAL_NAMESPACE }),
    close: () => connection.close(),
  };
}

/** The SDK's native connection is made at once or not at all; a process has to start while Temporal is away. */
class LazyNativeConnection implements ConnectionLike {
  readonly plugins = [];
  private connecting: Promise<NativeConnection> | undefined;
  private connected: NativeConnection | undefined;

  constructor(private readonly config: Config) {}

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
    this.connecting ??= NativeConnection.connect(nativeAddress(this.config));
    try {
      this.connected = await this.connecting;
      return this.connected;
    } catch (error) {
      this.connecting = undefined;
      throw error;
    }
  }

  private made(): NativeConnection {
    if (this.connected === undefined) throw new Error('Temporal is called outside of withDeadline');
    return this.connected;
  }
}

/** @param deadline milliseconds since 1970 @throws Error when it comes first; who connects goes on */
async function within<T>(deadline: number, connecting: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error('Temporal does not answer')), deadline - Date.now());
  });
  return Promise.race([connecting, late]).finally(() => clearTimeout(timer));
}

/** Compression costs more than it saves: messages are small, and Temporal is near. */
function nativeAddress(config: Config) {
  return { ...temporalAddress(config), grpcCompression: { codec: 'none' } as const };
}

/** A client over the worker's native connection, several times cheaper for each call. @throws when Temporal is away */
export async function nativeTemporalClient(
  config: Config,
): Promise<TemporalClient & { connection: NativeConnection }> {
  const connection = await NativeConnection.connect(nativeAddress(config));
  return {
    connection,
    client: new Client({ connection, namespace: config.TEMPORAL_NAMESPACE }),
    close: () => connection.close(),
  };
}
