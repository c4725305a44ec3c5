/** `make bench`: figures of this machine, as ratios within one run, since machines differ. */
import { cpus, tmpdir, totalmem } from 'node:os';
import { mkdtempSync } from 'node:fs';
import { join } from 'node:path';
import { defaultComposeFile } from '../infra/platform/options';
import { cleanPlatform } from '../infra/platform/recovery';
import { startSystem } from '../infra/platform/system';
import { benchCreations } from './creations';

const say = (line: string): void => void process.stdout.write(`${line}\n`);

async function main(): Promise<void> {
  const dir = mkdtempSync(join(tmpdir(), 'perennial-bench-'));
  say(`${cpus().length} cores, ${Math.round(totalmem() / 2 ** 30)} GiB, Node ${process.version}`);
  const system = await startSystem({
    dir,
    ports: 'free',
    productPorts: 'free',
    temporal: 'postgres',
    processes: ['sandbox', 'api', 'worker', 'bridge'],
    productEnvironment: { LOG_LEVEL: 'warn' },
    report: say,
  });
  try {
    say('creations');
    await benchCreations(system, say);
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
