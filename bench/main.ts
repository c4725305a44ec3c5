/**
 * `make bench`: figures of this machine, as ratios within one run where they are compared, since machines differ.
 *
 * `npm run bench -- inbound` runs the named ones only.
 */
import { cpus, tmpdir, totalmem } from 'node:os';
import { mkdtempSync } from 'node:fs';
import { join } from 'node:path';
import { defaultComposeFile } from '../infra/platform/options';
import { cleanPlatform } from '../infra/platform/recovery';
import { startSystem, type System } from '../infra/platform/system';
import { benchCreations } from './creations';
import { benchInbound } from './inbound';
import { benchOptions, type BenchOptions } from './options';

type Say = (line: string) => void;
const say: Say = (line) => void process.stdout.write(`${line}\n`);

interface Bench {
  /** The product's processes that it needs. */
  processes: string[];
  run(system: System, options: BenchOptions): Promise<void>;
}

const benches: Readonly<Record<string, Bench>> = {
  creations: {
    processes: ['sandbox', 'api', 'worker', 'bridge'],
    run: (system) => benchCreations(system, say),
  },
  inbound: { processes: [], run: (system, { backlog }) => benchInbound(system, backlog, say) },
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
  const system = await startSystem({
    dir,
    ports: 'free',
    productPorts: 'free',
    temporal: 'postgres',
    processes: bench.processes,
    productEnvironment: { LOG_LEVEL: 'warn' },
    report: say,
  });
  try {
    say(name);
    await bench.run(system, options);
  } finally {
    await system.stop();
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
