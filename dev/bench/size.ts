/**
 * Many subscriptions with a year of history: how long each statement takes that runs again and again or answers a call,
 * and a round of the reconciliation, when all is well and when much is stuck.
 *
 * The rows are written by SQL; a million subscriptions need some 15 GB of disk.
 */
import { statfsSync } from 'node:fs';
import { Client } from 'pg';
import { predicateNames } from '../../domain/stuck-work';
import { closeDatabase, createDatabase } from '../../prisma/client';
import { migrate, migrationsFolder } from '../../prisma/migrate';
import { reconcileOnce } from './size/calls';
import { described, measureCalls } from './size/measure';
import { writeFindings, writeRows } from './size/write';

type Report = (line: string) => void;

const periods = 12;
const payments = 3;
const bytesOfSubscription = 15_000;
const statementMs = 50;
const roundMs = 2_000;
const stuck = 5_000;
const measuredRounds = 4;

/** @param dir where the server keeps its data @throws Error when the disk is too small */
export async function benchSize(
  url: string,
  dir: string,
  subscriptions: number,
  report: Report,
): Promise<void> {
  requireSpace(dir, subscriptions * bytesOfSubscription);
  await migrate(url, migrationsFolder());
  const beganMs = performance.now();
  await writeRows(url, { subscriptions, periods, payments }, report);
  const minutes = ((performance.now() - beganMs) / 60_000).toFixed(1);
  report(
    `  ${subscriptions} subscriptions, ${subscriptions * periods} periods: ${await size(url)}, ${minutes} min`,
  );
  await reportRounds(url, 'all is well', report);
  await writeFindings(url, stuck);
  await reportRounds(url, `${stuck} are stuck`, report);
  await reportStatements(url, report);
}

function requireSpace(dir: string, bytes: number): void {
  const { bavail, bsize } = statfsSync(dir);
  if (bavail * bsize > bytes) return;
  const gib = (count: number) => `${Math.ceil(count / 2 ** 30)} GiB`;
  throw new Error(`${dir} has ${gib(bavail * bsize)}, and ${gib(bytes)} are needed: take fewer, --size N`);
}

async function size(url: string): Promise<string> {
  const client = new Client({ connectionString: url });
  await client.connect();
  const { rows } = await client.query<{ size: string }>(
    'SELECT pg_size_pretty(pg_database_size(current_database())) AS size',
  );
  await client.end();
  return rows[0]?.size ?? '';
}

/** Of a few rounds, the slowest: a finding of one is no finding of the next, which continues behind it. */
async function reportRounds(url: string, when: string, report: Report): Promise<void> {
  const db = createDatabase(url, 4);
  const rounds: { ms: number; found: string }[] = [];
  // In the first one nothing is in memory.
  for (let round = 0; round <= measuredRounds; round += 1) {
    const found: string[] = [];
    const beganMs = performance.now();
    for (const predicate of predicateNames) {
      const count = await reconcileOnce(db, predicate);
      if (count > 0) found.push(`${predicate} ${count}`);
    }
    rounds.push({ ms: Math.round(performance.now() - beganMs), found: found.join(', ') || 'nothing' });
  }
  await closeDatabase(db);
  const [first, ...others] = rounds;
  const slowest = Math.max(...others.map(({ ms }) => ms));
  const bound = slowest > roundMs ? ` (above ${roundMs} ms)` : '';
  report(
    `  ${measuredRounds} rounds when ${when}: at most ${slowest} ms${bound}; the first one: ${first?.ms} ms`,
  );
  for (const { ms, found } of rounds) report(`    ${ms} ms, found: ${found}`);
}

async function reportStatements(url: string, report: Report): Promise<void> {
  const measured = (await measureCalls(url)).toSorted((a, b) => b.ms - a.ms);
  for (const { by, ms, rows, text } of measured) {
    report(`  ${ms.toFixed(1).padStart(8)} ms ${String(rows).padStart(7)} rows  ${by}: ${verbOf(text)}`);
  }
  const slow = measured.filter(({ ms }) => ms > statementMs);
  report(`  ${measured.length} statements, ${slow.length} above ${statementMs} ms`);
  for (const one of slow) report(`  ${one.ms.toFixed(0)} ms: ${described(one)}`);
}

const verbOf = (text: string): string => text.trim().replaceAll(/\s+/g, ' ').slice(0, 60);
