import type { LedgerFacts } from '../ledger-facts';

/** An invariant of the money alone. */
export interface LedgerInvariant {
  name: string;
  /** Each is a line for people. */
  violations(ledger: LedgerFacts): string[];
}

/** Adds amounts up under a text that names what they are of. */
export class Sums {
  private readonly sums = new Map<string, number>();

  /** Adds up `amountOf` each of a list. */
  static of<T>(list: readonly T[], keyOf: (one: T) => string, amountOf: (one: T) => number): Sums {
    const sums = new Sums();
    for (const one of list) sums.add(keyOf(one), amountOf(one));
    return sums;
  }

  add(key: string, amount: number): void {
    this.sums.set(key, this.get(key) + amount);
  }

  get(key: string): number {
    return this.sums.get(key) ?? 0;
  }

  get keys(): string[] {
    return [...this.sums.keys()];
  }
}

/** What two sums differ in, each a line. */
export function unequal(left: Sums, right: Sums, line: (key: string, left: number, right: number) => string) {
  return [...new Set([...left.keys, ...right.keys])]
    .filter((key) => left.get(key) !== right.get(key))
    .map((key) => line(key, left.get(key), right.get(key)));
}
