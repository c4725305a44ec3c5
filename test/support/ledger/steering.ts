/** Which of the possible operations a life prefers, so that each one is met in each situation often enough. */
import { situationOf, situations, type Operation, type Situation } from './moment';
import { operations, reasonAgainst } from './operations';
import type { World } from './world';

/** How often an operation occurred in a situation. */
export type Hits = Map<string, number>;
export const pairOf = (operation: string, situation: Situation): string => `${operation} | ${situation}`;

type Way = readonly [from: Situation, operation: string];

/** Where a life tends to, and the operations that lead there. */
interface Goal {
  situation: Situation;
  ways: readonly Way[];
}

/** To where every goal can be reached from. */
const toActive: readonly Way[] = [
  ['none', 'create'],
  ['incomplete', 'the charge succeeds'],
  ['trialing', 'renew'],
  ['charging', 'the charge succeeds'],
  ['past_due', 'the charge succeeds'],
  ['changing', 'the charge succeeds'],
  ['applying', 'what was charged is applied'],
  ['paused', 'resume'],
  ['paused_unpaid', 'the charge succeeds'],
  ['written_off', 'resume'],
  ['ended', 'create'],
];
const renewing: readonly Way[] = [['active', 'renew']];
const failing: readonly Way[] = [...renewing, ['charging', 'the charge fails']];
const changing: readonly Way[] = [
  ['active', 'change up, charge_now'],
  ['active', 'change interval, charge_now'],
];
/** A change that waits for the period's end, which another one replaces. */
const replacing: readonly Way[] = [
  ['active', 'change up, period_end'],
  ['active', 'change down, period_end'],
  ...changing,
];
const ending: readonly Way[] = [
  ['active', 'schedule the end, refund none'],
  ['active', 'schedule the end, refund prorated'],
  ['active', 'schedule the end, refund full'],
];
const notApplied = 'the charge succeeds, not applied yet';

const goals: readonly Goal[] = [
  {
    situation: 'trialing',
    ways: [
      ['none', 'create with a trial'],
      ['ended', 'create with a trial'],
    ],
  },
  { situation: 'incomplete', ways: [['ended', 'create']] },
  { situation: 'active', ways: [] },
  {
    situation: 'ended',
    ways: [
      ['active', 'cancel, refund none'],
      ['active', 'cancel, refund prorated'],
      ['active', 'cancel, refund full'],
    ],
  },
  // Credit that a subscription leaves behind, and that none uses.
  {
    situation: 'customer',
    ways: [
      ['active', 'change down, charge_now'],
      ['active', 'cancel, refund none'],
      ['ended', 'pay credit out'],
    ],
  },
  { situation: 'charging', ways: renewing },
  { situation: 'past_due', ways: failing },
  { situation: 'written_off', ways: [...failing, ['past_due', 'write off']] },
  { situation: 'paused_unpaid', ways: [...failing, ['charging', 'pause'], ['past_due', 'pause']] },
  { situation: 'paused', ways: [['active', 'pause']] },
  { situation: 'changing', ways: changing },
  { situation: 'changing', ways: replacing },
  { situation: 'cancelling', ways: ending },
  { situation: 'applying', ways: [...renewing, ['charging', notApplied], ['past_due', notApplied]] },
  { situation: 'applying', ways: [...changing, ['changing', notApplied]] },
  { situation: 'applying', ways: [...renewing, ['charging', 'pause'], ['paused_unpaid', notApplied]] },
  // With an end that is scheduled.
  {
    situation: 'written_off',
    ways: [
      ...failing,
      ['past_due', 'write off'],
      ['written_off', 'schedule the end, refund none'],
      ['written_off', 'schedule the end, refund prorated'],
      ['written_off', 'schedule the end, refund full'],
    ],
  },
  { situation: 'changing', ways: [...ending, ['cancelling', 'change up, charge_now']] },
  { situation: 'paused', ways: [...ending, ['cancelling', 'pause']] },
  {
    situation: 'applying',
    ways: [...ending, ['cancelling', 'change up, charge_now'], ['changing', notApplied]],
  },
];

/** How often each possible pair has to occur in a run. */
export const enoughHits = 30;
/** How much more often a life prefers what is missing. */
const slack = 8;

/** Charges that are overtaken by a decline, or by a renewal. */
const overtaking: readonly (readonly Way[])[] = [
  [...changing, ['changing', 'the charge fails']],
  [...changing, ['changing', 'renew']],
];
/** What else a life prefers: changes, money that moves between subscriptions, refunds, disputes, late charges. */
const themes: readonly RegExp[] = [
  /^change/,
  /^(change (down|free|interval), charge_now|cancel, refund none|create|pay credit out)/,
  /^refund|^a refund|^the provider/,
  /dispute/,
  /dispute/,
  / late/,
  / late|^an overtaken/,
];

/** What is rarely possible. */
const rare: readonly [RegExp, number][] = [
  [/^the scheduled end/, 400],
  [/^keep it/, 100],
  [/^an overtaken/, 40],
  [/^pay credit out/, 1000],
  [/^schedule/, 20],
  [/^a dispute is|^a won dispute/, 14],
  [/^a refund is given up/, 6],
  [/ late|^a lost dispute/, 3],
];
/** Operations after which a subscription is in another situation. */
const leaves =
  /^(cancel|expire|the charge|the scheduled end|resume|renew|write off|keep it|what was charged|pause)/;
const ends = /^(cancel|expire|the scheduled end)/;

export interface Tendency {
  goal: number;
  theme: number;
  /** What is to be done there. */
  operation: string;
}

/** The pairs that can be, by situation. */
const pairs = situations.flatMap((situation) =>
  operations
    .filter(({ name }) => reasonAgainst(name, situation) === null)
    .map(({ name }) => ({ name, situation, pair: pairOf(name, situation) })),
);

/** Draws what a life is to do, and where: what is missing most. @param draw a number from 0 to 1 for each call */
export function drawTendency(draw: () => number, hits: Hits): Tendency {
  const missing = pairs.map(({ pair }) => Math.max(0.1, enoughHits + slack - (hits.get(pair) ?? 0)) ** 3);
  const { name: operation, situation } = pairs[indexOf(missing, draw())] ?? { name: '', situation: 'active' };
  const goal = indexOf(
    goals.map((goal) => (goal.situation === situation && suits(goal, operation) ? 1 : 0.01)),
    draw(),
  );
  const theme = indexOf(
    themes.map((pattern) => (pattern.test(operation) ? 1 : 0.05)),
    draw(),
  );
  return { goal, theme, operation };
}

/** What is done about a scheduled end needs one. */
function suits({ situation, ways }: Goal, operation: string): boolean {
  if (situation === 'cancelling' || situation === 'written_off') return true;
  const schedules = ways.some(([, name]) => name.startsWith('schedule'));
  return schedules === /^keep it|^the scheduled end/.test(operation);
}

/** Draws an index, each with its weight. */
function indexOf(weights: readonly number[], draw: number): number {
  let left = draw * weights.reduce((sum, weight) => sum + weight, 0);
  return weights.findIndex((weight) => {
    left -= weight;
    return left < 0;
  });
}

function goalOf({ goal }: Tendency): Goal {
  return goals[goal] ?? { situation: 'active', ways: [] };
}

/** @param late whether a charge of the subscription was overtaken */
function waysOf(tendency: Tendency, late: boolean): readonly Way[] {
  const first = overtaking[tendency.theme - (themes.length - overtaking.length)];
  const { situation, ways } = goalOf(tendency);
  const own = first !== undefined && !late ? first : ways;
  const known = new Set(own.map(([from]) => from));
  return [...toActive.filter(([from]) => from !== situation && !known.has(from)), ...own];
}

/** Whether a life waits for the period's end to get where it tends to. */
export function waitsForEnd(world: World, slot: string | null, tendency: Tendency): boolean {
  const situation = situationOf(world, slot);
  const sub = slot === null ? null : world.subOfSlot(slot);
  const isThere = situation === goalOf(tendency).situation;
  if (isThere && sub?.cancel && tendency.operation.startsWith('the scheduled end')) return true;
  if (isThere && tendency.operation.startsWith('a period that is over')) return true;
  return waysOf(tendency, isLate(world, slot)).some(([from, name]) => from === situation && name === 'renew');
}

/**
 * Chooses an operation: mostly one that leads to where the life tends, and there one that occurred rarely so far.
 * @param draw a number from 0 (included) to 1 for each call
 */
export function choose(
  able: readonly Operation[],
  { world, slot, tendency, hits }: { world: World; slot: string | null; tendency: Tendency; hits: Hits },
  draw: () => number,
): Operation | null {
  const situation = situationOf(world, slot);
  const here = waysOf(tendency, isLate(world, slot)).filter(([from]) => from === situation);
  const ways = able.filter((operation) => here.some(([, name]) => name === operation.name));
  if (ways.length > 0 && draw() < 0.95) return ways[Math.floor(draw() * ways.length)] ?? null;
  const isThere = situation === goalOf(tendency).situation;
  const wanted = able.find(({ name }) => isThere && name === tendency.operation);
  if (wanted !== undefined && draw() < 0.8) return wanted;
  const weight = ({ name }: Operation) => {
    const known = hits.get(pairOf(name, situation)) ?? 0;
    const missing = known < enoughHits + slack ? 20 : (enoughHits / known) ** 2;
    return missing * preference(name, isThere, tendency);
  };
  return able[indexOf(able.map(weight), draw())] ?? null;
}

function preference(operation: string, isThere: boolean, { theme }: Tendency): number {
  const preferred = themes[theme]?.test(operation) === true ? 5 : 1;
  const weight = preferred * (rare.find(([pattern]) => pattern.test(operation))?.[1] ?? 1);
  if (isThere) return weight * (leaves.test(operation) ? 1 : 10);
  return weight * (ends.test(operation) ? 1 : 3);
}

/** Whether a charge of the subscription was overtaken. */
function isLate(world: World, slot: string | null): boolean {
  const sub = slot === null ? null : world.subOfSlot(slot);
  return [...world.payments.values()].some(
    ({ id, sub: of, purpose, status }) =>
      of === sub?.id && purpose === 'change' && status !== 'paid' && sub.waiting !== id,
  );
}
