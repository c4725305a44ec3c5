/**
 * What holds once all is quiet, whatever happened before. A new invariant is a row of one of the tables.
 *
 * Pure: judged by facts alone. Each violation is a line for people that names what is wrong.
 */
import type { Facts } from '../facts';
import { eventInvariants } from './events';
import { ledgerInvariants } from './ledger';
import { moneyInvariants } from './money';
import type { Invariant } from './invariant';
import { periodInvariants } from './periods';
import { processInvariants } from './processes';
import { webhookInvariants } from './webhooks';

const invariants: readonly Invariant[] = [
  ...eventInvariants,
  ...moneyInvariants,
  ...ledgerInvariants.map(({ name, violations }) => ({
    name,
    violations: ({ ledger }: Facts) => violations(ledger),
  })),
  ...periodInvariants,
  ...webhookInvariants,
  ...processInvariants,
];

/** More of one kind say nothing more to people. */
const shownOfOne = 20;

/** The violations of each invariant, with its name. @param except names of those that are judged otherwise */
export function violationsOf(facts: Facts, except: readonly string[] = []): string[] {
  const judged = invariants.filter(({ name }) => !except.includes(name));
  return judged.flatMap(({ name, violations }) => {
    const all = violations(facts);
    const more = all.length > shownOfOne ? [`${name}: and ${all.length - shownOfOne} more`] : [];
    return [...all.slice(0, shownOfOne).map((violation) => `${name}: ${violation}`), ...more];
  });
}
