/** Plays many lives, several at a time, each with a customer of its own; the first that goes wrong is made shorter. */
import { isTransientTimeout, playLife, PlayFault } from './player';
import { LifeFault, type Plan } from '../ledger/random-life';
import { scriptOf } from './script';
import type { Theatre } from './stage';

const atOnce = 8;
/** A busy machine may let a transaction take too long: the life is played again, on other rows. */
const mostTries = 3;
/** How long a life that goes wrong is made shorter. */
const shortenForMs = 60_000;

let played = 0;

/** Plays a plan on rows of its own. @returns what went wrong; null: nothing */
async function playFault(theatre: Theatre, plan: Plan): Promise<PlayFault | null> {
  for (let tries = 1; ; tries += 1) {
    played += 1;
    try {
      await playLife(theatre, `life_${played}`, scriptOf(plan));
      return null;
    } catch (error) {
      if (!(error instanceof PlayFault)) throw error;
      if (!isTransientTimeout(error) || tries === mostTries) return error;
    }
  }
}

/** Leaves steps out for as long as the life goes wrong. */
async function shortened(theatre: Theatre, plan: Plan, fault: PlayFault, until: number): Promise<PlayFault> {
  for (const index of plan.steps.keys()) {
    if (Date.now() > until) return fault;
    const shorter = { ...plan, steps: plan.steps.toSpliced(index, 1) };
    const found = await faultIfLived(theatre, shorter);
    if (found !== null) return shortened(theatre, shorter, found, until);
  }
  return fault;
}

/** Without one of its steps a life may be none that can be lived. */
async function faultIfLived(theatre: Theatre, plan: Plan): Promise<PlayFault | null> {
  try {
    return await playFault(theatre, plan);
  } catch (error) {
    if (error instanceof LifeFault) return null;
    throw error;
  }
}

/** @throws Error with the shortest story of the first life that goes wrong */
export async function playLives(theatre: Theatre, plans: readonly Plan[], seed: number): Promise<void> {
  const wrong: { life: number; plan: Plan; fault: PlayFault }[] = [];
  const waiting = plans.entries();
  const playWaiting = async () => {
    for (const [index, plan] of waiting) {
      const fault = await playFault(theatre, plan);
      if (fault !== null) wrong.push({ life: index + 1, plan, fault });
      if (wrong.length > 0) return;
    }
  };
  await Promise.all(Array.from({ length: atOnce }, playWaiting));
  const [first] = wrong.toSorted((a, b) => a.life - b.life);
  if (first === undefined) return;
  const { life, plan, fault } = first;
  const { message } = await shortened(theatre, plan, fault, Date.now() + shortenForMs);
  throw new Error(`life ${life} of ${plans.length}, seed ${seed}:\n${message}`, { cause: fault });
}
