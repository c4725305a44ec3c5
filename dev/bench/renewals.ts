/**
 * Subscriptions that are due at one instant, until all are paid and everything is published: renewals per second, as
 * a ratio to a bare Temporal floor in the same run, and how late they are.
 *
 * The floor: a signal to a sleeping workflow that has left the cache, one task with three empty local activities. Not
 * measured: a provider's real latency (the sandbox answers at once) and its webhooks, several workers or machines.
 */
import { Client as Postgres } from 'pg';
import type { System } from '../platform/system';
import { subscriber } from './api';
import { cpuMeter, type ProcessIds } from './cpu';
import { makeDue } from './due';
import { measureFloor, middle, rounds } from './floor/sleepers';
import { runMany } from './load';
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
    while (rates.length < rounds) rates.push(await renewAll(db, processes, subscriptions, report));
    report(`  ratio ${(middle(rates) / middle(floor)).toFixed(2)} (medians of ${rounds} rounds)`);
  } finally {
    await db.end();
  }
}

/** @returns renewals per second */
async function renewAll(
  db: Postgres,
  processes: ProcessIds,
  subscriptions: number,
  report: (line: string) => void,
): Promise<number> {
  const due = await makeDue(db, dueAfterSeconds);
  const cpu = cpuMeter(processes);
  const isDone = async (): Promise<boolean> =>
    (await countPaid(db, due)) === subscriptions && (await isIdle(db));
  await untilTrue('all periods are paid and published', isDone, 120_000 + subscriptions * 500);
  const used = cpu.each(subscriptions);
  const { rows } = await db.query<{ seconds: number; p50: number; p99: number }>(
    `SELECT (SELECT extract(epoch FROM max(published_at) - $1)::float8 FROM outbox_events) AS seconds,
       percentile_disc(0.5) WITHIN GROUP (ORDER BY late) AS p50,
       percentile_disc(0.99) WITHIN GROUP (ORDER BY late) AS p99
     FROM (SELECT extract(epoch FROM paid_at - start)::float8 AS late FROM subscription_periods WHERE start = $1)`,
    [due],
  );
  const { seconds, p50, p99 } = rows[0] ?? { seconds: 0, p50: 0, p99: 0 };
  const perSecond = subscriptions / seconds;
  report(`  ${subscriptions} renewals, paid and published: ${perSecond.toFixed(1)}/s`);
  report(`    lateness p50 ${p50.toFixed(1)} s, p99 ${p99.toFixed(1)} s`);
  report(`    CPU each: ${used}`);
  return perSecond;
}

async function countPaid(db: Postgres, due: Date): Promise<number> {
  const { rows } = await db.query<{ paid: number }>(
    'SELECT count(*)::int AS paid FROM subscription_periods WHERE start = $1 AND paid_at IS NOT NULL',
    [due],
  );
  return rows[0]?.paid ?? 0;
}

/** Everything that was committed is on its topic. */
async function isIdle(db: Postgres): Promise<boolean> {
  const { rowCount } = await db.query('SELECT 1 FROM outbox_events WHERE published_at IS NULL LIMIT 1');
  return rowCount === 0;
}
