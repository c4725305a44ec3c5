/**
 * `make bench`: figures of this machine, as ratios within one run where they are compared, since machines differ.
 *
 * `npm run bench -- relay inbound` runs the named ones only. Without names all but `size` run, which needs much disk.
 */
import { cpus, tmpdir, totalmem } from 'node:os';
import { mkdtempSync } from 'node:fs';
import { join } from 'node:path';
import { defaultComposeFile } from '../platform/options';
import { startPlatform } from '../platform/platform';
import { cleanPlatform } from '../platform/recovery';
import { readState } from '../platform/state';
import { startSystem, type System } from '../platform/system';
import { benchAudit } from './audit';
import { benchCreations } from './creations';
import { cachedWorkflows } from './floor/sleepers';
import { benchIdle } from './idle';
import { benchInbound } from './inbound';
import { benchLimits } from './limits';
import { benchOptions, type BenchOptions } from './options';
import { benchRelay } from './relay';
import { benchRenewals } from './renewals';
import { benchRenewalsMixed } from './renewals-mixed';
import { benchRenewalsTrickle } from './renewals-trickle';
import { benchManualRetries, benchPlanned } from './retries';
import { benchSize } from './size';
import { benchSleeping } from './sleeping';
import { benchTransactions } from './transactions';
import type { ProcessIds } from './cpu';
import { benchWebhooks } from './webhooks';

type Report = (line: string) => void;
const report: Report = (line) => void process.stdout.write(`${line}\n`);

type Bench = (dir: string, options: BenchOptions) => Promise<void>;

/** The product on servers of its own. */
async function onSystem(
  dir: string,
  processes: string[],
  work: (system: System, processes: ProcessIds) => Promise<void>,
  environment: Readonly<Record<string, string>> = {},
): Promise<void> {
  const system = await startSystem({
    dir,
    ports: 'free',
    productPorts: 'free',
    temporal: 'postgres',
    report,
    processes,
    productEnvironment: { LOG_LEVEL: 'warn', ...environment },
  });
  await work(system, pidsOf(dir)).finally(() => system.stop());
}

/** The provider’s answers are enough: what its webhooks cost is measured by itself. */
const withoutWebhooks = { SANDBOX_WEBHOOK_SECRETS: '' };
/** Few workflows are in memory, as after a month. */
const coldWorkflows = { WORKER_CACHED_WORKFLOWS: String(cachedWorkflows) };
const processes = ['sandbox', 'api', 'worker', 'bridge'];

const benches: Readonly<Record<string, Bench>> = {
  creations: (dir, { creations }) =>
    onSystem(
      dir,
      processes,
      (system, pids) => benchCreations(system, pids, creations, report),
      withoutWebhooks,
    ),
  renewals: (dir, { subscriptions }) =>
    onSystem(dir, processes, (system, pids) => benchRenewals(system, pids, subscriptions, report), {
      ...withoutWebhooks,
      WORKER_CACHED_WORKFLOWS: String(cachedWorkflows),
    }),
  'renewals-mixed': (dir, { subscriptions }) =>
    onSystem(
      dir,
      processes,
      (system, pids) => benchRenewalsMixed(system, pids, subscriptions, report),
      coldWorkflows,
    ),
  'renewals-trickle': (dir) =>
    onSystem(dir, processes, (system, pids) => benchRenewalsTrickle(system, pids, report), coldWorkflows),
  'manual-retries': (dir, { retries }) =>
    onSystem(dir, processes, (system, pids) => benchManualRetries(system, pids, retries, report), {
      ...withoutWebhooks,
      WORKER_CACHED_WORKFLOWS: String(cachedWorkflows),
    }),
  planned: (dir, { planned }) =>
    onSystem(dir, processes, (system, pids) => benchPlanned(system, pids, planned, report), withoutWebhooks),
  sleeping: (dir, { sleeping }) =>
    onSystem(dir, processes, (system, pids) => benchSleeping(system, pids, sleeping, report)),
  limits: (dir, { flood, seconds }) =>
    onSystem(dir, ['api'], (system, pids) => benchLimits(system, pids, flood, seconds, report), {
      // Those of production.
      API_REQUESTS_PER_SECOND: '50',
      API_REQUESTS_IN_FLIGHT: '50',
    }),
  webhooks: (dir, { webhooks }) =>
    onSystem(dir, processes, (system, pids) => benchWebhooks(system, pids, webhooks, report)),
  inbound: (dir, { backlog }) => onSystem(dir, [], (system) => benchInbound(system, backlog, report)),
  async idle(dir) {
    const servers = await startPlatform({ dir, ports: 'free', report, components: ['kafka'] });
    const environment = { ...process.env, ...servers.environment };
    await benchIdle(environment, report).finally(() => servers.stop());
  },
  async relay(dir, { rows }) {
    const components = ['postgres', 'kafka'] as const;
    const servers = await startPlatform({ dir, ports: 'free', report, components });
    const environment = { ...process.env, ...servers.environment };
    await benchRelay(environment, rows, report).finally(() => servers.stop());
  },
  async audit(dir) {
    const servers = await startPlatform({ dir, ports: 'free', report, components: ['postgres'] });
    const url = servers.environment.DATABASE_URL ?? '';
    await benchAudit(url, pidsOf(dir), report).finally(() => servers.stop());
  },
  async transactions(dir, { subscriptions }) {
    const servers = await startPlatform({ dir, ports: 'free', report, components: ['postgres'] });
    const url = servers.environment.DATABASE_URL ?? '';
    await benchTransactions(url, pidsOf(dir), subscriptions, report).finally(() => servers.stop());
  },
  async size(dir, { size }) {
    const servers = await startPlatform({ dir, ports: 'free', report, components: ['postgres'] });
    const url = servers.environment.DATABASE_URL ?? '';
    await benchSize(url, dir, size, report).finally(() => servers.stop());
  },
};

/** Servers and processes of the product that run in a folder. */
function pidsOf(dir: string): ProcessIds {
  return Object.fromEntries((readState(dir)?.processes ?? []).map(({ name, pid }) => [name, pid]));
}

async function main(): Promise<void> {
  const options = benchOptions(process.argv.slice(2), Object.keys(benches));
  report(`${cpus().length} cores, ${Math.round(totalmem() / 2 ** 30)} GiB, Node ${process.version}`);
  for (const [name, bench] of Object.entries(benches)) {
    if (options.names.includes(name) || (options.names.length === 0 && name !== 'size'))
      await runAlone(name, bench, options);
  }
}

/** Each has servers and data of its own. */
async function runAlone(name: string, bench: Bench, options: BenchOptions): Promise<void> {
  const dir = mkdtempSync(join(tmpdir(), 'perennial-bench-'));
  try {
    report(name);
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
