/** Cash equals what the provider holds: of each payment and of all, to the unit. */
import type { LedgerFacts } from '../ledger-facts';
import { Sums, unequal, type LedgerInvariant } from './ledger-invariant';

const isCash = ({ account }: { account: string }): boolean => account.startsWith('cash/');

function eachPayment({ entries, atProvider }: LedgerFacts): string[] {
  if (atProvider === null) return [];
  const cash = Sums.of(
    entries.filter(isCash),
    ({ source, currency }) => `${source} ${currency}`,
    ({ amount }) => amount,
  );
  const held = Sums.of(
    atProvider,
    ({ payment_id: id, currency }) => `${id} ${currency}`,
    ({ held: amount }) => amount,
  );
  return unequal(cash, held, (key, ours, theirs) => `${key}: we have ${ours}, the provider holds ${theirs}`);
}

function inTotal({ entries, atProvider }: LedgerFacts): string[] {
  if (atProvider === null) return [];
  const cash = Sums.of(
    entries.filter(isCash),
    ({ currency }) => currency,
    ({ amount }) => amount,
  );
  const held = Sums.of(
    atProvider,
    ({ currency }) => currency,
    ({ held: amount }) => amount,
  );
  return unequal(cash, held, (key, ours, theirs) => `${key}: we have ${ours}, the provider holds ${theirs}`);
}

export const cashInvariants: readonly LedgerInvariant[] = [
  { name: 'cash of each payment is what the provider holds', violations: eachPayment },
  { name: 'cash in total is what the provider holds', violations: inTotal },
];
