/**
 * Renewals one after the other, at 1 and at 10 a second: what each costs when no run is full, with what the processes
 * use while nothing happens taken away.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { Client as Postgres } from 'pg';
import type { System } from '../platform/system';
import { newSubscriber } from './api';
import { cpuMeter, type ProcessIds } from './cpu';
import { makeDue } from './due';
import { runMany } from './load';
import { awaitRound, isIdle, shownRound } from './renewal-round';
import { untilTrue } from './waiting';

const concurrency = 20;
const dueAfterSeconds = 8;
const idleSeconds = 30;
/** So many a second, for so long. */
const trickles = [
  { perSecond: 10, subscriptions: 600 },
  { perSecond: 1, subscriptions: 60 },
];

export async function benchRenewalsTrickle(
  system: System,
  processes: ProcessIds,
  report: (line: string) => void,
): Promise<void> {
  const db = new Postgres({ connectionString: system.environment['DATABASE_URL'] });
  await db.connect();
  try {
    const most = Math.max(...trickles.map(({ subscriptions }) => subscriptions));
    await runMany(most, concurrency, await newSubscriber(system));
    await untilTrue('all creations are published', () => isIdle(db), 120_000);
    const idle = cpuMeter(processes);
    await sleep(idleSeconds * 1_000);
    const idleMs = idle.used() / idleSeconds;
    report(`  nothing happens: ${idleMs.toFixed(1)} ms of CPU a second`);
    for (const trickle of trickles) await renewSlowly(db, processes, trickle, idleMs, report);
  } finally {
    await db.end();
  }
}

async function renewSlowly(
  db: Postgres,
  processes: ProcessIds,
  { perSecond, subscriptions }: { perSecond: number; subscriptions: number },
  idleMs: number,
  report: (line: string) => void,
): Promise<void> {
  const apartMs = 1_000 / perSecond;
  const { due } = await makeDue(db, dueAfterSeconds, apartMs, subscriptions);
  const round = { due, lastDue: new Date(due.getTime() + subscriptions * apartMs), subscriptions };
  await untilTrue('the instant has come', () => Promise.resolve(Date.now() >= due.getTime()), 60_000, 20);
  const cpu = cpuMeter(processes);
  const beganMs = performance.now();
  const figures = await awaitRound(db, round);
  const seconds = (performance.now() - beganMs) / 1_000;
  const each = (cpu.used() - idleMs * seconds) / subscriptions;
  report(`  ${perSecond} a second: ${each.toFixed(1)} ms of CPU each above idle`);
  report(`    ${shownRound(round, figures)}`);
  report(`    CPU each, idle included: ${cpu.each(subscriptions)}`);
}
