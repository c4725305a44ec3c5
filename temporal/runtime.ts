/** Temporal's native runtime, one for each process: it logs where the process does and leaves signals to the process. */
import { DefaultLogger, Runtime } from '@temporalio/worker';
import type { Logger } from 'pino';

let isInstalled = false;

/** To be called before any native connection is made; calls after the first one change nothing. */
export function installTemporalRuntime(log: Logger): void {
  if (isInstalled) return;
  isInstalled = true;
  const child = log.child({ part: 'temporal' });
  const levels = { TRACE: 'trace', DEBUG: 'debug', INFO: 'debug', WARN: 'warn', ERROR: 'error' } as const;
  Runtime.install({
    logger: new DefaultLogger('INFO', ({ level, message, meta }) =>
      child[levels[level]](meta ?? {}, message),
    ),
    telemetryOptions: { logging: { forward: {}, filter: 'WARN' } },
    shutdownSignals: [],
  });
}
