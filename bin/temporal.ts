/** Connections to Temporal, made from the settings. */
import { readFileSync } from 'node:fs';
import { Client, Connection } from '@temporalio/client';
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

/** A client that connects when it is first used, so that a process starts while Temporal is away. */
export function lazyTemporalClient(config: Config): TemporalClient {
  const connection = Connection.lazy(temporalAddress(config));
  return {
    client: new Client({ connection, namespace: config.TEMPORAL_NAMESPACE }),
    close: () => connection.close(),
  };
}

/** A client over the worker's native connection, several times cheaper for each call. @throws when Temporal is away */
export async function nativeTemporalClient(
  config: Config,
): Promise<TemporalClient & { connection: NativeConnection }> {
  const connection = await NativeConnection.connect(temporalAddress(config));
  return {
    connection,
    client: new Client({ connection, namespace: config.TEMPORAL_NAMESPACE }),
    close: () => connection.close(),
  };
}
