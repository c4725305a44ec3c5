/** How Temporal is reached, from the settings. */
import { readFileSync } from 'node:fs';
import type { Config } from '../config';
import type { TemporalSettings } from '../temporal/connection';

/** @throws when a PEM file cannot be read */
export function temporalSettings(config: Config): TemporalSettings {
  const { TEMPORAL_TLS_CERT_FILE: crt, TEMPORAL_TLS_KEY_FILE: key } = config;
  const pair = crt && key ? { clientCertPair: { crt: readFileSync(crt), key: readFileSync(key) } } : {};
  return {
    address: config.TEMPORAL_ADDRESS,
    namespace: config.TEMPORAL_NAMESPACE,
    tls: config.TEMPORAL_TLS || crt ? pair : undefined,
    apiKey: config.TEMPORAL_API_KEY,
  };
}
