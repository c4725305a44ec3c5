/** The ledger balances, and what stands beside it is the sum of its entries. */
import { balanceOf, fundAmounts, type FundAmount } from '../../../domain/ledger/state';
import { isLiving } from '../context';
import type { LedgerFacts, StateFact } from '../ledger-facts';
import { Sums, unequal, type LedgerInvariant } from './ledger-invariant';

function transactionsSumToZero({ transactions, entries }: LedgerFacts): string[] {
  const known = new Map(transactions.map((transaction) => [transaction.id, transaction]));
  const sums = Sums.of(
    entries,
    ({ transaction_id: id, currency, source }) => `${id} in ${currency} of ${source}`,
    ({ amount }) => amount,
  );
  const written = new Set(entries.map(({ transaction_id: id }) => id));
  return [
    ...sums.keys.filter((key) => sums.get(key) !== 0).map((key) => `${key} sums to ${sums.get(key)}`),
    ...transactions.filter(({ id }) => !written.has(id)).map(({ id }) => `${id} has no entries`),
    ...entries
      .filter(({ transaction_id: id, currency }) => known.get(id)?.currency !== currency)
      .map(({ transaction_id: id, currency }) => `${id} has an entry in ${currency} that is not its own`),
  ];
}

/**
 * What each of these amounts is the sum of, over the whole life; debit +, credit -. `used` is of the present period
 * alone, and of `written_off` only what late money brings back: entries say neither.
 */
const accounts = [
  ['unearned', 'unearned', -1],
  ['credit', 'credit', -1],
  ['held', 'credit_held', -1],
  ['receivable', 'receivable', 1],
] as const satisfies readonly (readonly [FundAmount, string, 1 | -1])[];

function statesAreSums({ states, entries }: LedgerFacts): string[] {
  const kept = new Sums();
  for (const { id, ledger_state: state } of states) {
    for (const fund of state?.funds ?? []) {
      for (const [amount, account] of accounts) kept.add(`${id}: ${account} of ${fund.source}`, fund[amount]);
    }
  }
  const older = new Set(states.filter(({ ledger_state: state }) => state === null).map(({ id }) => id));
  const signs = new Map<string, number>(accounts.map(([, account, sign]) => [account, sign]));
  const written = Sums.of(
    entries.filter(({ subscription_id: id, account }) => id !== null && !older.has(id) && signs.has(account)),
    ({ subscription_id: id, account, source }) => `${id}: ${account} of ${source}`,
    ({ account, amount }) => amount * (signs.get(account) ?? 0),
  );
  return unequal(kept, written, (key, left, right) => `${key} is ${left}, its entries say ${right}`);
}

/** No amount is negative, a fund is in no state twice, the column is what the state says, an end leaves nothing. */
function statesAreWhole({ states }: LedgerFacts): string[] {
  return states.flatMap((row) => (row.ledger_state === null ? [] : faultsOf(row, row.ledger_state)));
}

function faultsOf(
  { id, status, balance }: StateFact,
  state: NonNullable<StateFact['ledger_state']>,
): string[] {
  const { funds } = state;
  const negative = funds.filter((fund) => fundAmounts.some((name) => fund[name] < 0));
  const sources = new Set(funds.map(({ source }) => source));
  const isOver = !isLiving(status);
  const left = funds.filter(
    ({ unearned, credit, held, receivable }) => unearned + credit + held + receivable > 0,
  );
  return [
    ...negative.map(({ source }) => `${id}: an amount of ${source} is negative`),
    ...(sources.size === funds.length ? [] : [`${id}: a source has two funds`]),
    ...(balanceOf(state) === balance
      ? []
      : [`${id}: balance is ${balance}, its state says ${balanceOf(state)}`]),
    ...(isOver ? left.map(({ source }) => `${id} is ${status}, and ${source} stands at something`) : []),
  ];
}

function customersAreSums({ customerBalances, entries }: LedgerFacts): string[] {
  const kept = new Sums();
  for (const { customer_id: id, currency, funds } of customerBalances) {
    for (const { source, amount } of funds) kept.add(`${id} ${currency} of ${source}`, amount);
  }
  const written = Sums.of(
    entries.filter(({ subscription_id: id, account }) => id === null && account === 'credit'),
    ({ customer_id: id, currency, source }) => `${id} ${currency} of ${source}`,
    ({ amount }) => -amount,
  );
  return [
    ...unequal(kept, written, (key, left, right) => `credit of ${key} is ${left}, its entries say ${right}`),
    ...customerBalances
      .filter(({ credit, funds }) => credit !== funds.reduce((sum, { amount }) => sum + amount, 0))
      .map(({ customer_id: id, credit }) => `credit of ${id} is ${credit}, and its funds sum to another`),
    ...customerBalances
      .filter(({ funds }) => funds.some(({ amount, used = 0 }) => amount < 0 || used < 0))
      .map(({ customer_id: id }) => `a fund of ${id} is negative`),
  ];
}

export const balanceInvariants: readonly LedgerInvariant[] = [
  { name: 'each transaction sums to zero, source by source', violations: transactionsSumToZero },
  { name: 'states equal the sums of entries', violations: statesAreSums },
  { name: 'states are whole', violations: statesAreWhole },
  { name: 'customers’ credit equals the sums of entries', violations: customersAreSums },
];
