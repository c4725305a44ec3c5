/** The system that the demo shows: the one that runs here already, or one of its own that it takes away again. */
import { mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Config } from '../../config';
import { defaultComposeFile, platformOptions } from '../platform/options';
import { cleanPlatform, runningOwner } from '../platform/recovery';
import { readState } from '../platform/state';
import { startSystem } from '../platform/system';

export interface DemoSystem {
  apiUrl: string;
  apiKey: string;
  sandboxUrl: string;
  kafkaBrokers: string[];
  temporalUiUrl: string | undefined;
  namespace: string;
  /** Leaves things as they were found. */
  close(): Promise<void>;
}

/** @param say takes lines for people */
export async function demoSystem(
  config: Config,
  print: (line: string) => void,
  signal: AbortSignal,
): Promise<DemoSystem> {
  return runningSystem(config, print) ?? (await ownSystem(config, print, signal));
}

function runningSystem(config: Config, print: (line: string) => void): DemoSystem | null {
  const { dir } = platformOptions(config, process.env);
  const state = readState(dir);
  if (state?.ready_at === undefined || runningOwner(dir) === undefined) return null;
  const { api, sandbox } = state.addresses;
  const address = (name: string) => state.addresses[name];
  const kafka = state.components.find(({ name }) => name === 'kafka')?.address;
  if (api === undefined || sandbox === undefined || kafka === undefined) return null;
  print(`Using the system that runs here (make up), started at ${state.started_at}.`);
  return {
    apiUrl: api,
    apiKey: config.BOOTSTRAP_API_KEY ?? readFileSync(join(dir, 'api-key'), 'utf8').trim(),
    sandboxUrl: sandbox,
    kafkaBrokers: kafka.split(','),
    temporalUiUrl: address('TEMPORAL_UI_URL') ?? address('temporal_ui') ?? config.TEMPORAL_UI_URL,
    namespace: config.TEMPORAL_NAMESPACE,
    close: () => Promise.resolve(),
  };
}

async function ownSystem(
  config: Config,
  print: (line: string) => void,
  signal: AbortSignal,
): Promise<DemoSystem> {
  print('Starting a system of its own, gone afterwards. To keep the links below open, run `make up` first.');
  const dir = mkdtempSync(join(tmpdir(), 'perennial-demo-'));
  const remove = () => cleanPlatform(dir, defaultComposeFile(), () => undefined);
  try {
    const system = await startSystem({
      ...platformOptions(config, process.env),
      dir,
      ports: 'free',
      productPorts: 'free',
      report: print,
      signal,
    });
    const { environment } = system.platform;
    return {
      apiUrl: system.apiUrl,
      apiKey: system.apiKey,
      sandboxUrl: system.sandboxUrl,
      kafkaBrokers: (environment['KAFKA_BROKERS'] ?? '').split(','),
      temporalUiUrl: environment['TEMPORAL_UI_URL'],
      namespace: config.TEMPORAL_NAMESPACE,
      async close() {
        await system.stop();
        await remove();
      },
    };
  } catch (error) {
    await remove();
    throw error;
  }
}
