/**
 * `kill -9` of worker, API and bridges while many payments are at one step.
 *
 * Owns: the moments. Each has a burst of payments, holds the provider so that they gather at a step, and kills when so
 * many have got there as the seed says. Invariant: the provider behaves again and everything runs again, or is about
 * to be started by the supervisor, when a kill's promise resolves.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { eventually } from '../support/eventually';
import { livingConnections, shardOwners } from './bridge-kills';
import { bridgesOf, rows, type Chaos } from './context';
import { requestPayments } from './payment-traffic';
import { countCrashPoints, stepNames, steps, type StepName } from './payment-steps';
import { behave, behaveAgain } from './provider';
import type { Random } from './random';

interface Moment {
  name: string;
  /** How the provider is held while the burst comes. */
  held: Readonly<Record<string, number | boolean>>;
  /** Where the payments gather; null: it is the answers to the burst that are counted. */
  gatherAt: StepName | null;
  /** What happens when enough have gathered, before the kill. */
  beforeKill?(chaos: Chaos, random: Random): Promise<void>;
  victims: readonly ('worker' | 'api' | 'one bridge' | 'every bridge')[];
}

const burstSize = 18;
/** What an earlier kill has stopped may still be on its way back. */
const gatherWithinMs = 60_000;
const recoverWithinMs = 180_000;

/** In turn, so that a few kills have met the most important ones. */
const moments: readonly Moment[] = [
  {
    name: 'after the charge',
    held: { hold_answers: true, hold_webhooks: true },
    gatherAt: 'charged, not recorded yet',
    victims: ['worker'],
  },
  {
    name: 'at the recording',
    held: { hold_answers: true, hold_webhooks: true },
    gatherAt: 'charged, not recorded yet',
    beforeKill: outcomesAreRecorded,
    victims: ['every bridge'],
  },
  {
    name: 'before the charge',
    held: { latency_ms: 2_500 },
    gatherAt: 'attempt begun, not charged yet',
    victims: ['worker', 'api'],
  },
  {
    name: 'before the attempt',
    held: {},
    gatherAt: null,
    victims: ['worker', 'every bridge'],
  },
  {
    name: 'amid the webhooks',
    held: { hold_webhooks: true },
    gatherAt: null,
    beforeKill: webhooksAreSent,
    victims: ['api', 'every bridge'],
  },
  {
    name: 'at any moment',
    held: {},
    gatherAt: null,
    beforeKill: (_chaos, random) => sleep(random.int(0, 1_500)),
    victims: ['worker', 'api', 'one bridge'],
  },
];

/** One kill at the next of the moments. */
export async function killAmidPayments(chaos: Chaos, random: Random): Promise<void> {
  const { its, figures, heldDown } = chaos;
  const turn = figures.count('kills amid payments');
  const moment = moments[turn % moments.length] as Moment;
  const names = moment.victims.flatMap((victim) => processesOf(chaos, random, victim));
  chaos.report(`    ${moment.name}: ${names.join(', ')}`);
  await eventually('what earlier kills have left behind to be begun', () => fewWait(chaos), {
    timeoutMs: recoverWithinMs,
    everyMs: 250,
  }).catch(() => figures.add('kills amid payments: others still waited'));
  await behave(chaos, moment.held);
  const enough = random.int(6, 14);
  const burst = gather(chaos, random.fork(`burst ${turn}`), moment, enough);
  try {
    await burst.enough;
    const owners = await shardOwners(chaos);
    for (const name of names) heldDown.add(name);
    await moment.beforeKill?.(chaos, random);
    await killAndCount(chaos, names, owners);
    figures.add('kills amid payments');
    for (const name of names) figures.add(`kills amid payments: ${name.split('#')[0]}`);
    await sleep(random.int(0, 2_000));
  } finally {
    for (const name of names) heldDown.delete(name);
    await behaveAgain(chaos);
    await burst.all;
  }
  const runAgain = () => names.every((name) => its.system.product(name).pid !== undefined);
  await eventually('what was killed to run again', () => Promise.resolve(runAgain()), {
    timeoutMs: 120_000,
  });
}

function processesOf(chaos: Chaos, random: Random, victim: Moment['victims'][number]): string[] {
  if (victim === 'every bridge') return bridgesOf(chaos);
  return victim === 'one bridge' ? [random.pick(bridgesOf(chaos))] : [victim];
}

/** Starts the burst. `enough` resolves when so many have gathered, or when none come any more. */
function gather(chaos: Chaos, random: Random, { gatherAt }: Moment, enough: number) {
  let answered = 0;
  const all = requestPayments(chaos, random, burstSize, () => (answered += 1));
  // Awaited later, when more has happened.
  all.catch(() => undefined);
  const gathered = async (): Promise<number> => {
    if (gatherAt === null) return answered;
    const found = await steps[gatherAt].ids(chaos, { at: new Date(), shards: [] });
    return found.filter((id) => !chaos.crashPoints.has(`${gatherAt} ${id}`)).length;
  };
  const look = async () => (await gathered()) >= enough;
  const waited = eventually('payments to gather', look, { timeoutMs: gatherWithinMs, everyMs: 20 });
  return { all, enough: waited.catch(() => chaos.figures.add('kills amid payments: too few came')) };
}

async function killAndCount(
  chaos: Chaos,
  names: readonly string[],
  owners: ReadonlyMap<number, number>,
): Promise<void> {
  // One machine, so one clock: nothing may come between the moment and the kill.
  const at = new Date();
  await Promise.all(names.map((name) => chaos.its.system.product(name).kill()));
  const living = await livingConnections(chaos);
  await countCrashPoints(chaos, {
    at,
    worker: names.includes('worker'),
    api: names.includes('api'),
    everyBridge: bridgesOf(chaos).every((name) => names.includes(name)),
    shards: [...owners].filter(([, pid]) => !living.has(pid)).map(([shard]) => shard),
  });
}

/** A load that grows faster than it is carried out would end in nothing but waiting. */
async function fewWait(chaos: Chaos): Promise<boolean> {
  const [row] = await rows<{ count: number }>(
    chaos,
    `SELECT count(*)::int AS count FROM payments WHERE status IN ('requested', 'processing')`,
  );
  return (row?.count ?? 0) < burstSize / 2;
}

/** All the held answers come at once; goes on when the first outcomes wait for a relay. */
async function outcomesAreRecorded(chaos: Chaos): Promise<void> {
  await behaveAgain(chaos);
  const waiting = async () => {
    const found = await rows(
      chaos,
      `SELECT 1 AS one FROM outbox_events WHERE published_at IS NULL
       AND topic IN ('payments.completed', 'payments.failed') LIMIT 1`,
    );
    return found.length > 0;
  };
  await eventually('an outcome to be recorded', waiting, { timeoutMs: 5_000, everyMs: 1 }).catch(
    () => undefined,
  );
}

/** They are held until some wait, then let go. */
async function webhooksAreSent(chaos: Chaos, random: Random): Promise<void> {
  const waiting = async () => {
    const [row] = await rows<{ count: number }>(
      chaos,
      'SELECT count(*)::int AS count FROM webhooks',
      [],
      chaos.its.system.environment['SANDBOX_DATABASE_URL'],
    );
    return (row?.count ?? 0) >= 6;
  };
  await eventually('webhooks to wait', waiting, { timeoutMs: gatherWithinMs, everyMs: 20 }).catch(
    () => undefined,
  );
  await behaveAgain(chaos);
  await sleep(random.int(0, 300));
}

/** Steps at which no kill has met anything. */
export const unmetSteps = ({ figures }: Chaos): StepName[] =>
  stepNames.filter((name) => figures.count(`crash points of payments: ${name}`) === 0);
