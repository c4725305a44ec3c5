/** Lives are lived, all that is on its way arrives, and then nothing is open without a task or a next look ahead. */
import { violationsOf } from '../invariants';
import type { Facts } from '../facts';
import { rows, type Chaos } from '../context';
import { arrived, untilIdle } from '../quiet';
import { judge } from '../round';
import { openAtTheEnd } from './at-the-end';
import type { Life } from './life';
import { liveAll, prepareYear } from './live';
import type { PostOffice } from './post-office';

export interface YearSettings {
  lives: readonly Life[];
  arrivesWithinMs: number;
  /** Histories to replay, picked at random. */
  replays: number;
}

export const yearProcesses = ['sandbox', 'api', 'worker', 'bridge'];
/** Cards that are declined first, as the seed says; what is pending, or late, waits for its step. */
const provider = { pending_ms: 90 * 86_400_000 };
/** Whether a payment may be open is judged state by state. */
const judgedOtherwise = ['no payment stays open'];

/** @returns the violations, one line each */
export async function runYear(chaos: Chaos, office: PostOffice, settings: YearSettings): Promise<string[]> {
  const { lives, arrivesWithinMs, replays } = settings;
  const beganMs = performance.now();
  office.deliverTo(`${chaos.its.system.apiUrl}/webhooks/sandbox`);
  await chaos.its.control(provider);
  await prepareYear(chaos);
  const violations = await liveAll(chaos, office, lives);
  chaos.report('  the lives are lived');
  await untilIdle(chaos, arrivesWithinMs, arrived);
  for (const subject of office.lost) chaos.lostWebhooks.add(subject);
  violations.push(...(await judge(chaos, replays, 'year', (facts) => judgeYear(chaos, facts))));
  await noteYear(chaos, office);
  chaos.figures.add('seconds', Math.round((performance.now() - beganMs) / 1_000));
  return violations;
}

export async function judgeYear(chaos: Chaos, facts: Facts): Promise<string[]> {
  const open = await openAtTheEnd((sql) => rows(chaos, sql));
  return [
    ...violationsOf(facts, judgedOtherwise),
    ...open.map((line) => `nothing is open without right: ${line}`),
  ];
}

async function noteYear(chaos: Chaos, office: PostOffice): Promise<void> {
  for (const [fate, count] of office.counts) chaos.figures.add(`webhooks ${fate}`, count);
  const found = await rows<{ name: string; count: number }>(
    chaos,
    `SELECT 'tasks: ' || kind || ' ' || status AS name, count(*)::int FROM operator_tasks GROUP BY 1
     UNION ALL SELECT 'subscriptions at the end: ' || status, count(*)::int FROM subscriptions GROUP BY 1
     UNION ALL SELECT 'payments at the end: ' || status, count(*)::int FROM payments GROUP BY 1
     UNION ALL SELECT 'commands', count(*)::int FROM audit_log`,
  );
  for (const { name, count } of found) chaos.figures.add(name, count);
}
