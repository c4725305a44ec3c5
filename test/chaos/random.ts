/** Randomness that can be repeated: a seed and a name give the same numbers, for ever. */
import { createHash } from 'node:crypto';

export interface Random {
  /** Uniform in [0, 1). */
  next(): number;
  /** A whole number from `from` to `to`, both included. */
  int(from: number, to: number): number;
  pick<T>(list: readonly T[]): T;
  /** One of `choices`, each as likely as its weight says. */
  weighted<T>(choices: readonly (readonly [T, number])[]): T;
  shuffled<T>(list: readonly T[]): T[];
  /** A generator of its own, so that nobody's numbers depend on how often another draws. */
  fork(name: string): Random;
}

/** @param path what was forked from the seed so far */
export function randomFrom(seed: number, path = ''): Random {
  let state = createHash('sha256').update(`${seed}${path}`).digest().readUInt32BE(0);

  /** Mulberry32. */
  function next(): number {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }

  const int = (from: number, to: number): number => from + Math.floor(next() * (to - from + 1));

  function pick<T>(list: readonly T[]): T {
    if (list.length === 0) throw new Error('there is nothing to pick from');
    return list[int(0, list.length - 1)] as T;
  }

  function weighted<T>(choices: readonly (readonly [T, number])[]): T {
    const total = choices.reduce((sum, [, weight]) => sum + weight, 0);
    let at = next() * total;
    const found = choices.find(([, weight]) => {
      at -= weight;
      return at < 0;
    });
    return (found ?? pick(choices))[0];
  }

  function shuffled<T>(list: readonly T[]): T[] {
    const mixed = [...list];
    for (let last = mixed.length - 1; last > 0; last -= 1) {
      const other = int(0, last);
      [mixed[last], mixed[other]] = [mixed[other] as T, mixed[last] as T];
    }
    return mixed;
  }

  return { next, int, pick, weighted, shuffled, fork: (name) => randomFrom(seed, `${path}/${name}`) };
}
