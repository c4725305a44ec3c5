/**
 * `node dist/dev/platform/main.js up | down | clean | status`, behind the make targets of the same names.
 *
 * Owns: what is printed, signals, exit codes. Invariant: Ctrl-C ends in an orderly stop of everything, however often
 * it arrives within a moment (npm passes on the signal that the terminal has sent already); pressed again later, it
 * kills.
 */
import { ConfigError, loadConfig } from '../../config';
import { componentTable } from './component-table';
import { PlatformError, reasonOf } from './errors';
import { defaultComposeFile, platformOptions } from './options';
import { isRunning } from './process-identity';
import { elapsedText } from './progress';
import { cleanPlatform, runningOwner, stopPlatformIn } from './recovery';
import { readState } from './state';
import { startSystem, systemOptions, type System } from './system';

const report = (line: string) => void process.stdout.write(`${line}\n`);
const repeatMs = 1_500;

interface End {
  readonly exitCode: number;
  readonly reason: string;
}

function addressLines({ platform, apiUrl, sandboxUrl, apiKey, environment }: System): string[] {
  const env = platform.environment;
  const lines: [string, string | undefined][] = [
    ['REST API', apiUrl],
    ['API documentation', `${apiUrl}/docs`],
    ['Temporal Web UI', env['TEMPORAL_UI_URL'] ?? 'none with this server'],
    ['PostgreSQL', platform.components.find(({ name }) => name === 'postgres')?.address],
    ['Kafka', env['KAFKA_BROKERS']],
    ['Temporal', env['TEMPORAL_ADDRESS']],
    ['Sandbox provider', sandboxUrl],
    ['Metrics', `http://127.0.0.1:${environment['METRICS_PORT']}/metrics`],
    ['API key', apiKey],
    ['Logs', `${platform.dir}/logs`],
  ];
  const width = Math.max(...lines.map(([name]) => name.length));
  return lines.map(([name, value]) => `  ${name.padEnd(width)}  ${value ?? '-'}`);
}

/** Turns signals into one abort, and a later second signal into an end at once. */
function onSignals(abort: (signal: NodeJS.Signals) => void, kill: () => void): void {
  let firstAt: number | undefined;
  const handle = (signal: NodeJS.Signals) => {
    if (firstAt === undefined) {
      firstAt = Date.now();
      abort(signal);
    } else if (Date.now() - firstAt > repeatMs) kill();
  };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, handle);
}

async function up(): Promise<number> {
  const config = loadConfig(process.env);
  const interrupted = new AbortController();
  let system: System | undefined;
  let end: (end: End) => void = () => undefined;
  const ended = new Promise<End>((resolve) => {
    end = resolve;
  });
  onSignals(
    (signal) => {
      report(`${signal}: stopping everything; once more kills.`);
      interrupted.abort(new PlatformError('interrupted', 'Interrupted before everything had started.'));
      end({ exitCode: 0, reason: '' });
    },
    () => {
      report('Killing everything.');
      void (system?.kill() ?? Promise.resolve()).finally(() => process.exit(130));
    },
  );
  system = await startSystem({
    ...systemOptions(config, process.env),
    report,
    signal: interrupted.signal,
    onUnexpectedExit: (server, exit) =>
      end({ exitCode: 1, reason: `${server.name} has ended by itself (${exit.signal ?? exit.code}).` }),
    onProductExit: (product, exit) =>
      void product.lastOutput().then((tail) =>
        end({
          exitCode: exit.code || 1,
          reason: `bin/${product.name} has ended by itself (${exit.signal ?? `code ${exit.code}`}). The end of ${product.logFile}:\n${tail}`,
        }),
      ),
  });
  for (const line of addressLines(system)) report(line);
  report(`Ready in ${elapsedText(system.startedInMs)}. Ctrl-C stops everything.`);
  const { exitCode, reason } = await ended;
  if (reason) process.stderr.write(`${reason}\nStopping the rest.\n`);
  await system.stop();
  report('Everything has stopped.');
  return exitCode;
}

async function down(): Promise<number> {
  const { dir } = platformOptions(loadConfig(process.env), process.env);
  const ran = await stopPlatformIn(dir, defaultComposeFile(), report);
  report(ran ? 'Everything has stopped.' : 'Nothing was running.');
  return 0;
}

async function clean(): Promise<number> {
  const { dir } = platformOptions(loadConfig(process.env), process.env);
  await cleanPlatform(dir, defaultComposeFile(), report);
  report(`The platform's data in ${dir} is gone.`);
  return 0;
}

function status(): Promise<number> {
  const { dir } = platformOptions(loadConfig(process.env), process.env);
  const state = readState(dir);
  const owner = runningOwner(dir);
  if (!state) {
    report('Nothing is running.');
    return Promise.resolve(3);
  }
  report(
    owner
      ? `Process ${owner.pid} ${state.ready_at ? 'runs' : 'is starting'} the platform in ${dir} since ${state.started_at}.`
      : `A platform in ${dir}, started at ${state.started_at}, was killed; \`make down\` or the next start clears what is left.`,
  );
  for (const line of componentTable(state.components)) report(line);
  for (const one of state.processes) {
    report(`  ${one.name.padEnd(10)} process ${one.pid} ${isRunning(one) ? 'runs' : 'has ended'}`);
  }
  return Promise.resolve(owner ? 0 : 3);
}

const commands: Readonly<Record<string, () => Promise<number>>> = { up, down, clean, status };

async function main(): Promise<number> {
  const command = commands[process.argv[2] ?? ''];
  if (!command || process.argv.length > 3) {
    process.stderr.write(`Usage: main.js ${Object.keys(commands).join(' | ')}\n`);
    return 64;
  }
  try {
    return await command();
  } catch (error) {
    const expected = error instanceof PlatformError || error instanceof ConfigError;
    process.stderr.write(
      `${expected || !(error instanceof Error) ? reasonOf(error) : (error.stack ?? error.message)}\n`,
    );
    return error instanceof PlatformError && error.code === 'interrupted' ? 130 : 1;
  }
}

void main().then((code) => {
  // Idle connections of clients must not keep a process that has stopped everything.
  process.exit(code);
});
