/** docs/ledger.md: its accounts, its kinds, and its year are what the code has and computes. */
import { readFileSync } from 'node:fs';
import { accountNames, accountsOf, isAccountOf } from '../../../../domain/ledger/accounts';
import { decimalText } from '../../../../domain/money';
import { ledgerTitle } from '../../../../domain/timeline/ledger';
import { workedYear, type YearTransaction } from '../../../support/ledger/year';

const page = readFileSync('docs/ledger.md', 'utf8');
const year = workedYear();
const money = (amount: number): string => decimalText(amount, 'EUR');

/** The rows of all tables of a section, as the texts of their cells. */
function rowsOf(section: string): string[][] {
  const [, text = ''] = page.split(new RegExp(`^## ${section}$`, 'm'));
  const [own = ''] = text.split(/^## /m);
  const lines = own.split('\n');
  return lines
    .filter((line, at) => line.startsWith('|') && !isHeader(lines, at))
    .map((line) =>
      line
        .split('|')
        .slice(1, -1)
        .map((cell) => cell.replaceAll('`', '').trim()),
    );
}

/** A rule of dashes, or what stands above one. */
function isHeader(lines: readonly string[], at: number): boolean {
  return [lines[at], lines[at + 1]].some((line) => line !== undefined && line.startsWith('| -'));
}

function rowOf(transaction: YearTransaction): string[] {
  const { at, kind, entries } = transaction;
  const moved = entries.map(({ account, source, amount, owner }) => {
    const whose = owner === 'customer' ? ' (customer)' : '';
    return `${account}${whose} ${source} ${amount > 0 ? '+' : ''}${money(amount)}`;
  });
  const title = ledgerTitle({
    ...transaction,
    currency: 'EUR',
    time_zone: 'UTC',
    entries: entries.map((entry) => ({ ...entry, owner: entry.owner ?? 'subscription' })),
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

describe('docs/ledger.md', () => {
  it('has every account', () => {
    const accounts = rowsOf('Accounts').map(([account = '']) => account.split('/')[0]);
    expect(accounts).toEqual([...accountNames]);
  });

  it('has every kind with its accounts', () => {
    const kinds = rowsOf('Transactions').map(([kind = '', , accounts = '']) => [kind, accounts.split(', ')]);
    const known = Object.entries(accountsOf).map(([kind, accounts]) => [
      kind,
      accounts.length === accountNames.length ? ['all'] : accounts,
    ]);
    expect(kinds).toEqual(known);
  });

  it('tells the year as the rules compute it', () => {
    expect(rowsOf('A year')).toEqual(year.map(rowOf));
  });

  it('adds the year up', () => {
    expect(rowsOf('What the year came to')).toEqual(
      [...balances()].map(([account, amount]) => [account, money(amount)]),
    );
  });
});

describe('the year', () => {
  it.each(year.map((transaction) => [transaction.at, transaction.kind, transaction] as const))(
    '%s %s sums to zero on accounts of its kind',
    (_at, kind, { entries }) => {
      expect(entries.reduce((sum, { amount }) => sum + amount, 0)).toBe(0);
      expect(entries.filter(({ account }) => !isAccountOf(kind, account))).toEqual([]);
    },
  );

  it('leaves nothing owed, kept, reserved, or to come', () => {
    expect([...balances().keys()].toSorted()).toEqual(['allowances', 'cash/stripe', 'earned', 'written_off']);
  });
});
