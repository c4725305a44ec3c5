/** What a process logs once when it starts: settings that were ignored, and secrets and data that cross the network in clear. */
import type { Logger } from 'pino';
import { ignoredServiceLinks, type Config } from '../config';
import { connectsInClear } from '../prisma/tls';

/** `settings` are names; a warning never holds a value. */
export interface StartWarning {
  settings: readonly string[];
  message: string;
}

/** Returns what is to be warned of. */
export function startWarnings(config: Config, env: NodeJS.ProcessEnv): StartWarning[] {
  const links = ignoredServiceLinks(env);
  return [
    ...(links.length > 0 ? [{ settings: links, message: 'Kubernetes service links ignored' }] : []),
    ...(config.KAFKA_SASL_MECHANISM !== undefined && !config.KAFKA_SSL
      ? [{ settings: ['KAFKA_SSL'], message: 'Kafka password and records are sent in clear' }]
      : []),
    ...(config.NOTIFY_WEBHOOK_URL?.startsWith('http:') === true
      ? [{ settings: ['NOTIFY_WEBHOOK_URL'], message: 'notifications are posted in clear' }]
      : []),
    ...(connectsInClear(config.DATABASE_URL)
      ? [{ settings: ['DATABASE_URL'], message: 'PostgreSQL is connected to without TLS' }]
      : []),
  ];
}

/** Logs each of them once. */
export function logStartWarnings(log: Logger, config: Config, env: NodeJS.ProcessEnv): void {
  for (const { settings, message } of startWarnings(config, env)) log.warn({ settings }, message);
}
