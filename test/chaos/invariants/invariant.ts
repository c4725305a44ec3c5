import type { Facts } from '../facts';

export interface Invariant {
  name: string;
  /** Each is a line for people. */
  violations(facts: Facts): string[];
}

/** What is in only one of the two. */
export function differences(wanted: Iterable<string>, found: Iterable<string>): string[] {
  const [left, right] = [new Set(wanted), new Set(found)];
  return [
    ...[...left].filter((one) => !right.has(one)).map((one) => `missing: ${one}`),
    ...[...right].filter((one) => !left.has(one)).map((one) => `too many: ${one}`),
  ];
}
