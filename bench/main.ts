/**
 * `make bench`: figures of this machine, as ratios within one run where they are compared, since machines differ.
 *
 * `npm run bench -- relay inbound` runs the named ones only.
 */
import { cpus, tmpdir, totalmem } from 'node:os';
import { mkdtempSync } from 'node:fs';
import { join } from 'node:path';
import { defaultComposeFile } from '../infra/platform/options';
import { startPlatform } from '../infra/platform/platform';
import { cleanPlatform } from '../infra/platform/recovery';
import { startSystem, type System } from '../infra/platform/system';
import { benchCreations } from './creations';
import { benchInbound } from './inbound';
import { benchOptions, type BenchOptions } from './options';
import { benchRelay } from './relay';
import { benchWebhooks } from './webhooks';

type Say = (line: string) => void;
const say: Say = (line) => void process.stdout.write(`${line}\n`);

type Bench = (dir: string, options: BenchOptions) => Promise<void>;

/** The product on servers of its own. */
async function onSystem(
  dir: string,
  processes: string[],
  work: (system: System) => Promise<void>,
): Promise<void> {
  const system = await startSystem({
    dir,
    ports: 'free',
    productPorts: 'free',
    temporal: 'postgres',
    report: say,
    processes,
    productEnvironment: { LOG_LEVEL: 'warn' },
  });
  await work(system).finally(() => system.stop());
}

const allProcesses = ['sandbox', 'api', 'worker', 'bridge'];

const benches: Readonly<Record<string, Bench>> = {
  creations: (dir) => onSystem(dir, allProcesses, (system) => benchCreations(system, say)),
  webhooks: (dir, { webhooks }) =>
    onSystem(dir, allProcesses, (system) => benchWebhooks(system, webhooks, say)),
  inbound: (dir, { backlog }) => onSystem(dir, [], (system) => benchInbound(system, backlog, say)),
  async relay(dir, { rows }) {
    const components = ['postgres', 'kafka'] as const;
    const servers = await startPlatform({ dir, ports: 'free', report: say, components });
    const environment = { ...process.env, ...servers.environment };
    await benchRelay(environment, rows, say).finally(() => servers.stop());
  },
};

async function main(): Promise<void> {
  const options = benchOptions(process.argv.slice(2), Object.keys(benches));
  say(`${cpus().length} cores, ${Math.round(totalmem() / 2 ** 30)} GiB, Node ${process.version}`);
  for (const [name, bench] of Object.entries(benches)) {
    if (options.names.length === 0 || options.names.includes(name)) await runAlone(name, bench, options);
  }
}

/** Each has servers and data of its own. */
async function runAlone(name: string, bench: Bench, options: BenchOptions): Promise<void> {
  const dir = mkdtempSync(join(tmpdir(), 'perennial-bench-'));
  try {
    say(name);
    await bench(dir, options);
  } finally {
    await cleanPlatform(dir, defaultComposeFile(), () => undefined);
  }
}

main().then(
  () => process.exit(0),
  (error: unknown) => {
    process.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
    process.exit(1);
  },
);
