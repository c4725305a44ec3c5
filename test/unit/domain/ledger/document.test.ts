/** docs/ledger.md has the accounts and the kinds that the code has; `ledger-year.test.ts` lives its year. */
import { accountNames, accountsOf } from '../../../../domain/ledger/accounts';
import { rowsOf } from '../../../support/ledger/document';

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
});
