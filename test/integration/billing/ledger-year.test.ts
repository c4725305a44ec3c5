/** The year of docs/ledger.md is lived: the document has what the ledger and the timeline say of it, line for line. */
import { isAccountOf } from '../../../domain/ledger/accounts';
import { decimalText } from '../../../domain/money';
import { rowsOf } from '../../support/ledger/document';
import { larger, liveYear, type YearTransaction } from '../../support/ledger/year';
import { useMoneyLives } from '../../support/money-life';

const { given, begin } = useMoneyLives();
const money = (amount: number): string => decimalText(amount, 'EUR');
let year: YearTransaction[];
beforeAll(async () => {
  await given.db.plan.create({ data: larger });
  year = await liveYear(given, await begin('basic', '01-15'));
});

function rowOf({ at, kind, entries, title }: YearTransaction): string[] {
  const moved = entries.map(({ account, source, amount, owner }) => {
    const whose = owner === 'customer' ? ' (customer)' : '';
    return `${account}${whose} ${source} ${amount > 0 ? '+' : ''}${money(amount)}`;
  });
  return [at.slice(5, 10), kind, moved.join(', '), title.replaceAll(' 2027', '')];
}

function balances(): Map<string, number> {
  const sums = new Map<string, number>();
  for (const { account, amount } of year.flatMap(({ entries }) => entries)) {
    sums.set(account, (sums.get(account) ?? 0) + amount);
  }
  return new Map([...sums].filter(([, sum]) => sum !== 0));
}

it('is in the document as the ledger and the timeline have it', () => {
  expect(rowsOf('A year')).toEqual(year.map(rowOf));
});

it('adds up to what the document says', () => {
  const sums = [...balances()].map(([account, amount]) => [account, money(amount)]);
  expect(rowsOf('What the year came to')).toEqual(sums);
});

it('sums to zero in each transaction, on accounts of its kind', () => {
  for (const { kind, entries } of year) {
    expect(entries.reduce((sum, { amount }) => sum + amount, 0)).toBe(0);
    expect(entries.filter(({ account }) => !isAccountOf(kind, account))).toEqual([]);
  }
});

it('leaves nothing owed, kept, reserved, or to come', () => {
  expect([...balances().keys()].toSorted()).toEqual(['allowances', 'cash/sandbox', 'earned', 'written_off']);
});
