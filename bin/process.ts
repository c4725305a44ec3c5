/**
 * What every process does alike: read the settings, log, end in order.
 *
 * Invariants: wrong settings end the process before anything is opened (exit 2); SIGTERM and SIGINT close the parts in
 * the order given, within SHUTDOWN_TIMEOUT_MS; a part that cannot go on ends the process (exit 1) for a supervisor.
 */
import { pino, type Logger } from 'pino';
import { ConfigError, loadConfig, type Config } from '../config';
import { logStartWarnings } from './start-warnings';

/** Something that was started and has to be closed. */
export interface Part {
  name: string;
  close(): Promise<void>;
}

export interface ProcessContext {
  config: Config;
  log: Logger;
  /** Ends the process with exit code 1 after closing what is open. */
  onFatal(error: Error): void;
}

/** Fields that never reach a log, wherever they appear. */
const redacted = ['authorization', 'cookie', 'token', 'secret', 'password', 'email', 'name', 'apiKey'];

/** The logger of a process: JSON lines on standard output. */
export function createLog(level: string, processName: string): Logger {
  return pino({
    level,
    base: { process: processName },
    // Temporal's SDK names its errors `error`.
    serializers: { err: pino.stdSerializers.err, error: pino.stdSerializers.err },
    redact: {
      paths: redacted.flatMap((field) => [field, `*.${field}`, `*.*.${field}`]),
      censor: '[redacted]',
    },
  });
}

/**
 * Runs a long-lived process: `start` opens its parts and returns them in the order in which they are to be closed.
 * @param needs what of the settings is wrong for this process
 */
export function runProcess(
  name: string,
  start: (context: ProcessContext) => Promise<Part[]>,
  needs: (config: Config) => readonly string[] = () => [],
): void {
  const config = readConfig(needs);
  const log = createLog(config.LOG_LEVEL, name);
  logStartWarnings(log, config, process.env);
  let parts: Part[] = [];
  let ending = false;

  async function end(exitCode: number): Promise<void> {
    if (ending) return;
    ending = true;
    const deadline = setTimeout(() => {
      log.error('shutdown timed out');
      process.exit(exitCode || 1);
    }, config.SHUTDOWN_TIMEOUT_MS);
    for (const part of parts) {
      await part
        .close()
        .catch((error: unknown) => log.error({ err: error, part: part.name }, 'part not closed'));
      log.debug({ part: part.name }, 'part closed');
    }
    clearTimeout(deadline);
    log.info('stopped');
    process.exit(exitCode);
  }

  const onFatal = (error: Error): void => {
    log.fatal({ err: error }, 'process failed');
    void end(1);
  };
  process.on('SIGTERM', () => void end(0));
  process.on('SIGINT', () => void end(0));
  process.on('uncaughtException', onFatal);
  process.on('unhandledRejection', (reason) =>
    onFatal(reason instanceof Error ? reason : new Error(String(reason))),
  );
  start({ config, log, onFatal }).then(
    (started) => {
      parts = started;
      log.info({ parts: parts.map((part) => part.name) }, 'started');
    },
    (error: unknown) => onFatal(error instanceof Error ? error : new Error(String(error))),
  );
}

/** Runs a command that ends by itself; the exit code says whether it succeeded. */
export function runCommand(
  name: string,
  work: (context: Omit<ProcessContext, 'onFatal'>) => Promise<void>,
): void {
  const config = readConfig();
  const log = createLog(config.LOG_LEVEL, name);
  logStartWarnings(log, config, process.env);
  work({ config, log }).then(
    // Prisma's engine and idle connections would keep the process alive for seconds.
    () => process.exit(0),
    (error: unknown) => {
      log.fatal({ err: error }, 'command failed');
      process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
      process.exit(1);
    },
  );
}

function readConfig(needs: (config: Config) => readonly string[] = () => []): Config {
  try {
    const config = loadConfig(process.env);
    const mistakes = needs(config);
    if (mistakes.length > 0) throw new ConfigError(mistakes);
    return config;
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    process.stderr.write(`${error.message}\n`);
    process.exit(2);
  }
}
