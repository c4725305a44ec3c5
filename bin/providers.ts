/** The payment providers of this deployment, by the name that payment methods carry. */
import { sandboxProvider } from '../providers/sandbox/adapter';
import type { ProviderRegistry } from '../providers/port';
import type { Config } from '../config';

export function providersFrom(config: Config): ProviderRegistry {
  const baseUrl = config.SANDBOX_PROVIDER_URL ?? `http://127.0.0.1:${config.SANDBOX_PORT}`;
  return new Map([['sandbox', sandboxProvider({ baseUrl })]]);
}
