/** What has to hold after every step of a life. */
import { isAccountOf } from '../../../domain/ledger/accounts';
import { totalOf, type FundAmount } from '../../../domain/ledger/state';
import { seconds } from './purse';
import type { Sub, World } from './world';

/** Accounts whose balances are debits. */
const debits = ['cash/', 'receivable', 'written_off', 'allowances', 'disputed'];
const kept: Readonly<Record<string, FundAmount>> = {
  unearned: 'unearned',
  credit: 'credit',
  credit_held: 'held',
  receivable: 'receivable',
  written_off: 'written_off',
};

/** @returns what does not hold */
export function findFaults(world: World): string[] {
  return [
    ...unbalanced(world),
    ...foreignAccounts(world),
    ...differences(figuresOf(world), world.oracle.figures()),
    ...[...world.subs.values()].flatMap((sub) => stateFaults(world, sub)),
    ...creditFaults(world),
    ...worthFaults(world),
    ...sharedFaults(world),
    ...unappliedFaults(world),
  ];
}

/** What each account stands at, above 0 on the side that it has. */
function figuresOf({ balances }: World): Map<string, number> {
  return new Map(
    [...balances]
      .map(([key, amount]): [string, number] => {
        const account = key.split('|')[1] ?? '';
        return [key, debits.some((name) => account.startsWith(name)) ? amount : 0 - amount];
      })
      .filter(([, amount]) => amount !== 0),
  );
}

/** A kind of transaction has its accounts only: the database refuses others. */
function foreignAccounts({ journal }: World): string[] {
  return journal
    .filter(({ kind, entry }) => !isAccountOf(kind, entry.account))
    .map(({ kind, entry }) => `${kind} has no account ${entry.account}`);
}

/** The entries of a step sum to zero for each source, and nothing is negative. */
function unbalanced(world: World): string[] {
  const bySource = new Map<string, number>();
  for (const { entry } of world.journal) {
    bySource.set(entry.source, (bySource.get(entry.source) ?? 0) + entry.amount);
  }
  const sums = [...bySource]
    .filter(([, sum]) => sum !== 0)
    .map(([source, sum]) => `${source} sums to ${sum}`);
  const negative = [...figuresOf(world)].filter(([key, amount]) => amount < 0 && !mayBeNegative(world, key));
  return [...sums, ...negative.map(([key, amount]) => `${key} is ${amount}`)];
}

/**
 * A provider may give back more than it charged: its cash for the payment is negative then. An operator may take credit
 * back that a payment funded: an allowance that is negative.
 */
function mayBeNegative(world: World, key: string): boolean {
  const [owner, account = '', source = ''] = key.split('|');
  const payment = world.payments.get(source);
  if (payment === undefined) return false;
  if (owner === 'customer' && account === 'allowances') return true;
  return account.startsWith('cash/') && payment.back + payment.lost + payment.disputed > payment.amount;
}

function differences(found: Map<string, number>, expected: Map<string, number>): string[] {
  return [...new Set([...found.keys(), ...expected.keys()])]
    .filter((key) => found.get(key) !== expected.get(key))
    .map((key) => `${key} is ${found.get(key) ?? 0}; it should be ${expected.get(key) ?? 0}`);
}

/** The state of a subscription is what its entries sum up to. */
function stateFaults({ balances, lostForGood }: World, { id, state }: Sub): string[] {
  const sources = new Set(state.funds.map(({ source }) => source));
  for (const key of balances.keys()) {
    const [owner, , source] = key.split('|');
    if (owner === id && source !== undefined) sources.add(source);
  }
  return Object.entries(kept).flatMap(([account, amount]) =>
    [...sources].flatMap((source) => {
      const balance = Math.abs(balances.get(`${id}|${account}|${source}`) ?? 0);
      const apart = amount === 'written_off' ? (lostForGood.get(`${id}|${source}`) ?? 0) : 0;
      const own = state.funds.find((fund) => fund.source === source)?.[amount] ?? 0;
      return own + apart === balance
        ? []
        : [`${id} has ${own} ${amount} of ${source}, its entries ${balance}`];
    }),
  );
}

function creditFaults({ balances, credit }: World): string[] {
  const keys = [...balances.keys()].filter((key) => key.startsWith('customer|credit|'));
  const sums = keys.filter((key) => {
    const part = credit.find(({ source }) => `customer|credit|${source}` === key);
    return (part?.amount ?? 0) + (balances.get(key) ?? 0) !== 0;
  });
  return sums.map((key) => `${key} is not what the customer's row has`);
}

/** By prices and time alone: no more is earned than was served, and no less, unless money for it went back. */
function worthFaults(world: World): string[] {
  return [...world.subs.values()].flatMap((sub) => {
    const { id, state } = sub;
    const earned = [...world.balances]
      .filter(([key]) => key.startsWith(`${id}|earned|`))
      .reduce((sum, [, amount]) => sum - amount, 0);
    const until = state.period === null || state.earned_until === null ? world.now : state.earned_until;
    const { least, most } = world.oracle.worth.bounds(id, seconds(until));
    return earned >= least && earned <= most
      ? []
      : [
          `${id} has earned ${earned}; its service was worth ${least} to ${most}, ${totalOf(state, 'unearned')} left`,
        ];
  });
}

/** The customer's row knows what other subscriptions use of a payment: it cannot be given back as well. */
function sharedFaults(world: World): string[] {
  return [...world.payments.values()]
    .filter((payment) => world.usedElsewhere(payment.id) < world.atWorkElsewhere(payment))
    .map((payment) => `${payment.id} has ${world.atWorkElsewhere(payment)} at work elsewhere, not known`);
}

/** What was charged is applied, whole, unless it waits for a bank. */
function unappliedFaults({ payments }: World): string[] {
  return [...payments.values()]
    .filter(({ applied, unapplied, disputed }) => applied && unapplied > 0 && disputed === 0)
    .map(({ id, unapplied }) => `${unapplied} of ${id} is not assigned`);
}
