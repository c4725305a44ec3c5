/** What holds of the money: always, and once all is quiet. */
import type { LedgerFacts } from '../ledger-facts';
import { assignedInvariants } from './assigned';
import { balanceInvariants } from './balances';
import { cashInvariants } from './cash';
import type { LedgerInvariant } from './ledger-invariant';
import { settledMoneyInvariants, setAsideInvariants } from './set-aside';

/** After each transaction; what the provider has done and we have not heard of is no part of it. */
const lasting: readonly LedgerInvariant[] = [
  ...balanceInvariants,
  ...setAsideInvariants,
  ...assignedInvariants,
];

/** Once nothing is on its way. */
export const ledgerInvariants: readonly LedgerInvariant[] = [
  ...lasting,
  ...cashInvariants,
  ...settledMoneyInvariants,
];

/** What is violated of what holds after each transaction, with its name. */
export const lastingViolations = (ledger: LedgerFacts): string[] => named(lasting, ledger);

/** What is violated once nothing is on its way, with its name. */
export const moneyViolations = (ledger: LedgerFacts): string[] => named(ledgerInvariants, ledger);

function named(invariants: readonly LedgerInvariant[], ledger: LedgerFacts): string[] {
  return invariants.flatMap(({ name, violations }) => violations(ledger).map((line) => `${name}: ${line}`));
}
