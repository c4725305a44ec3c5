/**
 * Webhooks accepted per second (verified, stored, in the outbox), as a ratio to a bare Express route that parses and
 * does one INSERT, in the same run; what callers wait for while the bridge drains; what duplicates leave behind.
 *
 * Not measured: TLS, a proxy, several machines. Bodies are signed beforehand, so that the caller's own work weighs little
 * on either side; the floor and the API are one process each, with ten connections to the same PostgreSQL.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { Agent } from 'node:http';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { Client } from 'pg';
import type { System } from '../platform/system';
import { cpuMeter, type ProcessIds } from './cpu';
import { runMany, shown, type Figures } from './load';
import { givenPayments, signedWebhooks, statusOf, type SignedWebhook } from './signed-webhooks';

const concurrency = 20;
const warmUps = 300;
const turns = 9;

type Report = (line: string) => void;

export async function benchWebhooks(
  system: System,
  pids: ProcessIds,
  runs: number,
  report: Report,
): Promise<void> {
  const paymentIds = await givenPayments(system);
  const url = `${system.apiUrl}/webhooks/sandbox`;
  const bridge = system.product('bridge');
  await bridge.stop();
  await compareWithFloor(system, pids, paymentIds, runs, report);
  const sent = signedWebhooks(system, paymentIds, Math.min(runs, 2_000));
  await measure(url, sent);
  await measureDuplicates(system, url, sent, report);
  const backlog = await unpublished(system);
  await bridge.start();
  const draining = await measure(url, signedWebhooks(system, paymentIds, runs));
  const left = await unpublished(system);
  report(`  while the bridge drains ${backlog} events (${left} left at the end): ${shown(draining)}`);
}

/** By turns, so that whatever else the machine does weighs on both. */
async function compareWithFloor(
  system: System,
  pids: ProcessIds,
  paymentIds: readonly string[],
  runs: number,
  report: Report,
): Promise<void> {
  const url = `${system.apiUrl}/webhooks/sandbox`;
  const floors: Figures[] = [];
  const accepted: Figures[] = [];
  const floor = await startFloor(system);
  const cpu: Record<string, string> = {};
  try {
    for (const to of [floor.url, url]) await measure(to, signedWebhooks(system, paymentIds, warmUps));
    for (let turn = 0; turn < turns; turn += 1) {
      floors.push(await measure(floor.url, signedWebhooks(system, paymentIds, Math.ceil(runs / turns))));
      accepted.push(await measure(url, signedWebhooks(system, paymentIds, Math.ceil(runs / turns))));
    }
    const { api, postgres } = pids;
    for (const [to, server] of [
      [floor.url, floor.pid],
      [url, api],
    ] as const) {
      const webhooks = signedWebhooks(system, paymentIds, runs);
      const meter = cpuMeter({ server: server ?? 0, postgres: postgres ?? 0 });
      await measure(to, webhooks);
      cpu[to] = meter.each(runs);
    }
  } finally {
    floor.stop();
  }
  const ratios = accepted.map(({ perSecond }, turn) => perSecond / (floors[turn]?.perSecond ?? 0));
  report(`  floor (express.json, one INSERT): ${shown(medians(floors))}; CPU ${cpu[floor.url]}`);
  report(
    `  POST /webhooks/sandbox, verified, stored, in the outbox: ${shown(medians(accepted))}; CPU ${cpu[url]}`,
  );
  report(
    `  ratio ${median(ratios).toFixed(2)} (median of ${turns} turns; ${ratios.map((one) => one.toFixed(2)).join(' ')})`,
  );
}

function medians(figures: readonly Figures[]): Figures {
  const of = (name: keyof Figures) => median(figures.map((one) => one[name]));
  return { perSecond: of('perSecond'), p50Ms: of('p50Ms'), p99Ms: of('p99Ms') };
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((one, other) => one - other);
  return sorted[Math.floor(sorted.length / 2)] ?? 0;
}

async function startFloor(system: System): Promise<{ url: string; pid: number; stop(): void }> {
  const child = spawn(process.execPath, [join(__dirname, 'floor', 'bare-webhook.js')], {
    env: { ...process.env, ...system.environment },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [line] = (await once(createInterface({ input: child.stdout }), 'line')) as [string];
  const { port } = JSON.parse(line) as { port: number };
  return {
    url: `http://127.0.0.1:${port}/webhooks/sandbox`,
    pid: child.pid ?? 0,
    stop: () => void child.kill(),
  };
}

/** Sends each once, 20 at a time. @throws when one is not taken */
async function measure(url: string, webhooks: readonly SignedWebhook[]): Promise<Figures> {
  const agent = new Agent({ keepAlive: true, maxSockets: concurrency });
  try {
    return await runMany(webhooks.length, concurrency, async (index) => {
      const webhook = webhooks[index];
      const status = webhook && (await statusOf(url, agent, webhook));
      if (status !== 200) throw new Error(`a webhook was answered ${status}`);
    });
  } finally {
    agent.destroy();
  }
}

/** @throws when a table has grown by them */
async function measureDuplicates(
  system: System,
  url: string,
  sent: readonly SignedWebhook[],
  report: Report,
): Promise<void> {
  const before = await rowsOf(system);
  const figures = await measure(url, sent);
  const after = await rowsOf(system);
  const grown = Object.keys(after).filter((table) => after[table] !== before[table]);
  if (grown.length > 0) throw new Error(`duplicates have made ${grown.join(', ')} grow`);
  report(`  the same ${sent.length} again: ${shown(figures)}; no table has grown by a row`);
}

/** Rows of every table of Perennial's. */
async function rowsOf(system: System): Promise<Record<string, number>> {
  return withDatabase(system, async (client) => {
    const { rows } = await client.query<{ name: string }>(
      `SELECT relname AS name FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace`,
    );
    const counts: Record<string, number> = {};
    for (const { name } of rows) {
      const counted = await client.query<{ count: string }>(
        `SELECT count(*) FROM ${client.escapeIdentifier(name)}`,
      );
      counts[name] = Number(counted.rows[0]?.count);
    }
    return counts;
  });
}

async function unpublished(system: System): Promise<number> {
  return withDatabase(system, async (client) => {
    const { rows } = await client.query<{ count: string }>(
      'SELECT count(*) FROM outbox_events WHERE published_at IS NULL',
    );
    return Number(rows[0]?.count);
  });
}

async function withDatabase<T>(system: System, work: (client: Client) => Promise<T>): Promise<T> {
  const client = new Client({ connectionString: system.environment['DATABASE_URL'] });
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}
