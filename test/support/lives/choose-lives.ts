/**
 * Chooses lives of many that were drawn, so that few of them meet every pair of operation and situation often enough:
 * drawing is cheap, playing on real rows is not.
 */
import { situations } from '../ledger/moment';
import { operations, reasonAgainst } from '../ledger/operations';
import type { Plan } from '../ledger/random-life';
import { pairOf } from '../ledger/steering';

/** How often each possible pair has to be met on real rows. */
export const enoughOnRows = 6;

export const possiblePairs: readonly string[] = operations.flatMap(({ name }) =>
  situations
    .filter((situation) => reasonAgainst(name, situation) === null)
    .map((situation) => pairOf(name, situation)),
);

const pairsOf = ({ steps }: Plan): string[] =>
  steps.map(({ operation, situation }) => pairOf(operation, situation));

/**
 * @param count how many, or some more where these do not meet every pair often enough
 * @returns the plans in the order in which they were drawn, each as far as it is needed
 */
export function chooseLives(plans: readonly Plan[], count: number): Plan[] {
  return count >= plans.length ? [...plans] : cutShort(choose(plans, count));
}

/** The pairs that are not met often enough, with how often they are. */
export function missingPairs(plans: readonly Plan[]): string[] {
  const met = countPairs(plans);
  const rare = possiblePairs.filter((pair) => (met.get(pair) ?? 0) < enoughOnRows);
  return rare.map((pair) => `${pair}: ${met.get(pair) ?? 0}`);
}

/** Leaves out the steps at the end of lives that meet what is met often enough without them. */
function cutShort(plans: readonly Plan[]): Plan[] {
  const met = countPairs(plans);
  return plans.map((plan) => {
    const steps = [...plan.steps];
    for (let last = steps.at(-1); last !== undefined && steps.length > shortest; last = steps.at(-1)) {
      const pair = pairOf(last.operation, last.situation);
      const others = (met.get(pair) ?? 0) - 1;
      if (others < enoughOnRows) break;
      met.set(pair, others);
      steps.pop();
    }
    return { ...plan, steps };
  });
}

/** No life is cut shorter than the shortest that are drawn. */
const shortest = 8;

function choose(plans: readonly Plan[], count: number): Plan[] {
  let left = plans.map((plan) => ({ plan, pairs: pairsOf(plan), value: Number.MAX_VALUE }));
  const drawn = countPairs(plans);
  const met = new Map<string, number>();
  const chosen = new Set<Plan>();
  /** What is missing and rare counts most; long lives cost more. */
  const valueOf = (pairs: readonly string[]) => {
    const own = new Map<string, number>();
    let value = 0;
    for (const pair of pairs) {
      const before = own.get(pair) ?? 0;
      own.set(pair, before + 1);
      if ((met.get(pair) ?? 0) + before < enoughOnRows) value += 1 / (drawn.get(pair) ?? 1);
    }
    return value / (pairs.length + 1) ** 0.8;
  };
  while (left.length > 0) {
    const best = bestOf(left, valueOf);
    // Once nothing is missing, no life is worth anything.
    if (best.value === 0 && chosen.size >= count) break;
    left = left.filter((life) => life !== best);
    chosen.add(best.plan);
    for (const pair of best.pairs) met.set(pair, (met.get(pair) ?? 0) + 1);
  }
  return plans.filter((plan) => chosen.has(plan));
}

/** The life with the highest value. What a life is worth only falls, so most need not be valued again. */
function bestOf<Life extends { pairs: string[]; value: number }>(
  lives: readonly Life[],
  valueOf: (pairs: readonly string[]) => number,
): Life {
  for (;;) {
    const best = lives.reduce((high, life) => (life.value > high.value ? life : high));
    const { value } = best;
    best.value = valueOf(best.pairs);
    if (best.value >= value) return best;
  }
}

/** How often each pair is met. */
export function countPairs(plans: readonly Plan[]): Map<string, number> {
  const counted = new Map<string, number>();
  for (const pair of plans.flatMap(pairsOf)) counted.set(pair, (counted.get(pair) ?? 0) + 1);
  return counted;
}
