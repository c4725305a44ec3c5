/**
 * Lives at random: drawn from a seed, step by step, against what can be done at each moment. What was drawn is kept as
 * a plan, which can be lived again, and made shorter.
 */
import { applyCharged } from './charges';
import { findFaults } from './checks';
import type { Deed } from './deed';
import { situationOf, type Moment, type Operation, type Situation } from './moment';
import { operations } from './operations';
import { choose, drawTendency, pairOf, waitsForEnd, type Hits } from './steering';
import { daysAfter, World } from './world';

/** One step that was drawn. */
export interface Step {
  /** Null: the customer. */
  slot: string | null;
  /** How long after the step before. */
  days: number;
  operation: string;
  /** In which it was drawn. */
  situation: Situation;
  /** What the operation draws from. */
  draws: readonly number[];
}

export interface Plan {
  limits: { smallest: number; step: number };
  steps: Step[];
}

/** A life that went wrong. */
export class LifeFault extends Error {
  constructor(
    readonly faults: readonly string[],
    readonly story: readonly string[],
    readonly plan: Plan,
  ) {
    super([...faults, ...story].join('\n'));
  }
}

/** Numbers from 0 (included) to 1 from a seed: mulberry32. */
export function randomOf(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) % 4_294_967_296;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

const limits = [
  { smallest: 1, step: 1 },
  { smallest: 50, step: 1 },
  { smallest: 10, step: 10 },
] as const;

/**
 * Draws a life and lives it.
 * @param hits of the lives before; what occurred rarely is preferred
 * @throws LifeFault when something does not hold after a step
 */
export function drawLife(random: () => number, hits: Hits): Plan {
  const nat = (below: number) => Math.floor(random() * below);
  const tendency = drawTendency(random, hits);
  const isTwo = nat(5) === 0;
  const ofCustomer = tendency.operation.startsWith('pay credit out') ? 3 : 8;
  const plan: Plan = { limits: limits[nat(3)] ?? limits[0], steps: [] };
  const world = new World(plan.limits);
  const story: string[] = [];
  // Half of the lives have at most 15 steps; some are long.
  for (let left = nat(2) === 0 ? 8 + nat(8) : 15 + nat(35); left > 0; left -= 1) {
    const slot = nat(ofCustomer) === 0 ? null : isTwo && nat(2) === 0 ? 'b' : 'a';
    const days = daysOf(world, slot, nat, waitsForEnd(world, slot, tendency));
    const draws = Array.from({ length: 5 }, () => nat(1_000_000));
    world.now = daysAfter(world.now, days);
    const situation = situationOf(world, slot);
    const able = operations.filter((operation) => prepare(operation, world, slot, draws) !== null);
    const operation = choose(able, { world, slot, tendency, hits }, random);
    if (operation === null) continue;
    plan.steps.push({ slot, days, operation: operation.name, situation, draws });
    perform({ world, slot, operation, draws, story, plan });
    const pair = pairOf(operation.name, situation);
    hits.set(pair, (hits.get(pair) ?? 0) + 1);
  }
  return plan;
}

/** A step that was lived. */
export interface LivedStep {
  step: Step;
  /** Before it. */
  situation: Situation;
  deed: Deed;
}

/** Lives a plan again in a world, step by step; a step that cannot be is left out. @throws LifeFault */
export function* relive(plan: Plan, world: World): Generator<LivedStep> {
  const story: string[] = [];
  for (const step of plan.steps) {
    const { slot, days, operation: name, draws } = step;
    world.now = daysAfter(world.now, days);
    const operation = operations.find((each) => each.name === name);
    if (operation === undefined || prepare(operation, world, slot, draws) === null) continue;
    const situation = situationOf(world, slot);
    const sub = slot === null ? null : world.subOfSlot(slot);
    const payments = sub === null ? [] : world.unapplied(sub.id).map(({ id }) => id);
    const deed = perform({ world, slot, operation, draws, story, plan });
    // Once what was charged is applied, nothing is left to be done.
    yield { step, situation, deed: deed ?? { do: 'apply', sub: sub?.id ?? '', payments } };
  }
}

/** Lives a plan again. @throws LifeFault */
export function livePlan(plan: Plan): void {
  const world = new World(plan.limits);
  for (const _ of relive(plan, world));
}

/** Leaves steps out for as long as the life goes wrong. */
export function shortened(fault: LifeFault): LifeFault {
  for (const index of fault.plan.steps.keys()) {
    const steps = fault.plan.steps.toSpliced(index, 1);
    try {
      livePlan({ ...fault.plan, steps });
    } catch (error) {
      if (error instanceof LifeFault) return shortened(error);
      throw error;
    }
  }
  return fault;
}

function prepare(operation: Operation, world: World, slot: string | null, draws: readonly number[]) {
  let next = 0;
  const moment: Moment = { world, slot, draw: (below) => (draws[next++] ?? 0) % below };
  return operation.prepare(moment);
}

interface Performance {
  world: World;
  slot: string | null;
  operation: Operation;
  draws: readonly number[];
  story: string[];
  plan: Plan;
}

/** Does an operation, and checks what has to hold. What was charged for a subscription is applied before a command. */
function perform({ world, slot, operation, draws, story, plan }: Performance): Deed | null {
  story.push(`${world.now.slice(0, 16)} ${slot ?? '-'} ${situationOf(world, slot)}: ${operation.name}`);
  world.journal = [];
  world.steps += 1;
  let deed: Deed | null = null;
  try {
    const sub = slot === null ? null : world.subOfSlot(slot);
    if (operation.appliesFirst === true && sub !== null) applyCharged(world, sub);
    deed = prepare(operation, world, slot, draws)?.() ?? null;
    story.push(`  ${JSON.stringify(deed)}`);
  } catch (error) {
    throw new LifeFault([String(error)], story, plan);
  }
  const faults = findFaults(world);
  if (faults.length > 0) throw new LifeFault(faults, story, plan);
  return deed;
}

/** How many days pass before a step: none, hours, days, or until the period's end and beyond it. */
function daysOf(world: World, slot: string | null, nat: (below: number) => number, toEnd: boolean): number {
  const kind = toEnd && nat(4) > 0 ? 8 : nat(10);
  if (kind < 3) return 0;
  if (kind < 5) return nat(48) / 48;
  if (kind < 7) return nat(160) / 16;
  const end = slot === null ? undefined : world.subOfSlot(slot)?.period?.end;
  const left = end === undefined ? 0 : Math.max(0, (Date.parse(end) - Date.parse(world.now)) / 86_400_000);
  return kind < 9 ? left : left + nat(200) / 10;
}
