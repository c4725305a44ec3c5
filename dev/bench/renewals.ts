/**
 * Subscriptions that are due at one instant, until all are paid and everything is published: renewals per second, as
 * a ratio to a bare Temporal floor in the same run, and how late they are.
 *
 * The floor: a signal to a sleeping workflow that has left the cache, one task with three empty local activities. Not
 * measured: a provider's real latency (the sandbox answers at once) and its webhooks, which `renewals-mixed` has;
 * several workers or machines.
 */
import { Client as Postgres } from 'pg';
import type { System } from '../platform/system';
import { subscriber } from './api';
import { cpuMeter, type ProcessIds } from './cpu';
import { makeDue } from './due';
import { measureFloor, middle, rounds } from './floor/sleepers';
import { runMany } from './load';
import { awaitRound, isIdle, shownRound } from './renewal-round';
import { untilTrue } from './waiting';

const concurrency = 20;
/** The scheduler has looked once more by then, and knows the instant. */
const dueAfterSeconds = 8;

export async function benchRenewals(
  system: System,
  processes: ProcessIds,
  subscriptions: number,
  report: (line: string) => void,
): Promise<void> {
  const address = system.environment['TEMPORAL_ADDRESS'] ?? '';
  const floor = await measureFloor(address, processes, subscriptions, report);
  const db = new Postgres({ connectionString: system.environment['DATABASE_URL'] });
  await db.connect();
  try {
    await runMany(subscriptions, concurrency, await subscriber(system));
    await untilTrue('all creations are published', () => isIdle(db), 120_000);
    const rates: number[] = [];
    while (rates.length < rounds) rates.push(await renewAll(db, processes, report));
    report(`  ratio ${(middle(rates) / middle(floor)).toFixed(2)} (medians of ${rounds} rounds)`);
  } finally {
    await db.end();
  }
}

/** @returns renewals per second */
async function renewAll(
  db: Postgres,
  processes: ProcessIds,
  report: (line: string) => void,
): Promise<number> {
  const { due, subscriptions } = await makeDue(db, dueAfterSeconds);
  const bytes = await databaseBytes(db);
  const cpu = cpuMeter(processes);
  const round = { due, lastDue: due, subscriptions };
  const figures = await awaitRound(db, round);
  const used = cpu.each(subscriptions);
  const grown = (await databaseBytes(db)) - bytes;
  report(`  ${shownRound(round, figures)}`);
  report(`    CPU each: ${used}`);
  report(`    the product's database grows by ${(grown / subscriptions / 1024).toFixed(1)} KiB each`);
  return figures.perSecond;
}

async function databaseBytes(db: Postgres): Promise<number> {
  const { rows } = await db.query<{ bytes: number }>(
    'SELECT pg_database_size(current_database())::float8 AS bytes',
  );
  return rows[0]?.bytes ?? 0;
}
