/** What the tables of the ledger refuse, whoever writes them. */
import {
  enqueueCustomerBalance,
  enqueueLedgerTransaction,
  type LedgerTransaction,
} from '../../../billing/ledger/ledger-store';
import { lockCustomerBalance, lockOrOpenCustomerBalance } from '../../../billing/locks';
import { accountNames, isAccountOf, ledgerKinds } from '../../../domain/ledger/accounts';
import { inTransaction } from '../../../prisma/client';
import { sql } from '../../../prisma/sql';
import { useBilling } from '../../support/billing';

const given = useBilling();
const at = new Date('2027-01-15T00:00:00Z');

const opened: LedgerTransaction = {
  id: 'sub_1/period/1',
  kind: 'period_opened',
  customerId: 'cus_1',
  subscriptionId: 'sub_1',
  periodIndex: 1,
  paymentId: 'pay_1',
  refundId: null,
  testClockId: null,
  currency: 'EUR',
  at,
  realNow: at,
  actor: { kind: 'api_key', id: 'key_1', reason: 'named by a person' },
  reason: 'asked for by phone',
  entries: [
    { account: 'receivable', source: 'pay_1', amount: 1_000 },
    { account: 'unearned', source: 'pay_1', amount: -1_000 },
  ],
};

const write = (more: Partial<LedgerTransaction>) =>
  inTransaction(given.db, async (tx) => enqueueLedgerTransaction(tx, { ...opened, ...more }));

const entriesOf = (id: string) =>
  given.db.ledgerEntry.findMany({ where: { transaction_id: id }, orderBy: { position: 'asc' } });

describe('a transaction of the ledger', () => {
  it('is written with its entries, once', async () => {
    await write({});
    await write({ entries: [] });
    await write({ kind: 'opening', reason: 'another', entries: [...opened.entries, ...opened.entries] });
    expect(await given.db.ledgerTransaction.findMany({ where: { id: opened.id } })).toMatchObject([
      { kind: 'period_opened', reason: 'asked for by phone', actor: { id: 'key_1', reason: null } },
    ]);
    expect(await entriesOf(opened.id)).toMatchObject([
      { position: 0, account: 'receivable', amount: 1_000n, currency: 'EUR', subscription_id: 'sub_1' },
      { position: 1, account: 'unearned', amount: -1_000n, currency: 'EUR', subscription_id: 'sub_1' },
    ]);
  });

  it('has entries of the customer beside those of the subscription', async () => {
    await write({
      id: 'sub_1/ended',
      kind: 'subscription_ended',
      entries: [
        { account: 'credit', source: 'pay_1', amount: 300 },
        { account: 'credit', source: 'pay_1', amount: -300, owner: 'customer' },
      ],
    });
    expect((await entriesOf('sub_1/ended')).map((entry) => entry.subscription_id)).toEqual(['sub_1', null]);
  });

  it('writes nothing at all without entries', async () => {
    await write({ id: 'sub_1/period/2', entries: [] });
    expect(await given.db.ledgerTransaction.count({ where: { id: 'sub_1/period/2' } })).toBe(0);
  });

  it('is refused as an error of the caller when an entry is 0, or of a subscription that it does not name', async () => {
    const zero = { account: 'earned', source: 'pay_1', amount: 0 };
    await expect(write({ id: 'zero', entries: [...opened.entries, zero] })).rejects.toThrow('is 0');
    await expect(write({ id: 'nobody', subscriptionId: null })).rejects.toThrow('is of no subscription');
  });

  it.each<[string, Partial<LedgerTransaction>]>([
    [
      'whose entries do not sum to zero',
      { entries: [{ account: 'receivable', source: 'pay_1', amount: 1_000 }] },
    ],
    [
      'with an account that its kind does not have',
      {
        entries: [
          { account: 'cash/sandbox', source: 'pay_1', amount: 1_000 },
          { account: 'receivable', source: 'pay_1', amount: -1_000 },
        ],
      },
    ],
  ])('is refused by the database %s', async (_, more) => {
    await expect(write({ id: 'refused', ...more })).rejects.toMatchObject({ code: '23514' });
    expect(await given.db.ledgerTransaction.count({ where: { id: 'refused' } })).toBe(0);
  });

  it.each([
    ['another transaction', `'nothing', 'period_opened', 'EUR', 'cus_1', 'sub_1'`],
    ['another kind', `'sub_1/period/1', 'opening', 'EUR', 'cus_1', 'sub_1'`],
    ['another currency', `'sub_1/period/1', 'period_opened', 'USD', 'cus_1', 'sub_1'`],
    ['another customer', `'sub_1/period/1', 'period_opened', 'EUR', 'cus_2', 'sub_1'`],
    ['another subscription', `'sub_1/period/1', 'period_opened', 'EUR', 'cus_1', 'sub_2'`],
  ])('refuses entries of %s', async (_, values) => {
    const text = `INSERT INTO ledger_entries
      (transaction_id, kind, currency, customer_id, subscription_id, position, account, source, amount)
      VALUES (${values}, 7, 'earned', 'pay_1', -5), (${values}, 8, 'unearned', 'pay_1', 5)`;
    await expect(sql(given.db).execute({ text, values: [] })).rejects.toMatchObject({
      constraint: 'ledger_entries_proved',
    });
  });
});

describe('the ledger', () => {
  it.each([
    `UPDATE ledger_entries SET amount = amount + 1`,
    `DELETE FROM ledger_entries`,
    `TRUNCATE ledger_entries`,
    `DELETE FROM ledger_transactions`,
    `TRUNCATE ledger_transactions`,
    `UPDATE ledger_transactions SET kind = 'opening'`,
    `UPDATE ledger_transactions SET reason = 'a better one'`,
    `UPDATE ledger_transactions SET reason = NULL, currency = 'USD'`,
  ])('refuses %s', async (text) => {
    await expect(sql(given.db).execute({ text, values: [] })).rejects.toMatchObject({ code: '23514' });
  });

  it('lets an erasure take the reason away', async () => {
    await sql(given.db).execute`UPDATE ledger_transactions SET reason = NULL WHERE id = ${opened.id}`;
    expect(await given.db.ledgerTransaction.findUnique({ where: { id: opened.id } })).toMatchObject({
      kind: 'period_opened',
      reason: null,
    });
  });

  it('has for each kind the accounts that the domain has, by the trigger itself', async () => {
    const [proof] = await given.db.$queryRaw<{ text: string }[]>`
      SELECT pg_get_functiondef('ledger_entries_prove'::regproc) AS text`;
    const [, table = ''] = /'\{([^}]*)\}'::text\[\]/.exec(proof?.text ?? '') ?? [];
    const known = ledgerKinds.flatMap((kind) =>
      accountNames
        .filter((account) => isAccountOf(kind, account === 'cash' ? 'cash/sandbox' : account))
        .map((account) => `${kind}/${account}`),
    );
    expect(table.split(',').map((pair) => pair.trim())).toEqual(expect.arrayContaining(known));
    expect(table.split(',')).toHaveLength(known.length);
    expect(known).toContain('payment_collected/cash');
  });

  it.each(['cash', 'cash/', 'receivable/x'])('has no account %s', async (account) => {
    const entries = [
      { account, source: 'pay_1', amount: 5 },
      { account: 'unapplied', source: 'pay_1', amount: -5 },
    ];
    const wrong = { id: 'wrong', kind: 'payment_collected', entries } as const;
    await expect(write(wrong)).rejects.toMatchObject({ code: '23514' });
  });
});

describe('the balance of a customer', () => {
  const funds = [
    { source: 'grant/1', amount: 200 },
    { source: 'pay_1', amount: 100 },
  ];

  it('is the sum of its sources, in one row for each currency', async () => {
    expect(await inTransaction(given.db, (tx) => lockCustomerBalance(tx, 'cus_1', 'EUR'))).toBeNull();
    await inTransaction(given.db, async (tx) => {
      expect(await lockOrOpenCustomerBalance(tx, 'cus_1', 'EUR')).toMatchObject({ credit: 0n, funds: [] });
      enqueueCustomerBalance(tx, 'cus_1', 'EUR', funds);
    });
    const row = { customer_id: 'cus_1', currency: 'EUR', credit: 300n, funds };
    expect(await inTransaction(given.db, (tx) => lockCustomerBalance(tx, 'cus_1', 'EUR'))).toEqual(row);
    expect(await inTransaction(given.db, (tx) => lockOrOpenCustomerBalance(tx, 'cus_1', 'EUR'))).toEqual(row);
    expect(await inTransaction(given.db, (tx) => lockCustomerBalance(tx, 'cus_1', 'USD'))).toBeNull();
  });

  it('is never negative', async () => {
    const negative = inTransaction(given.db, async (tx) =>
      enqueueCustomerBalance(tx, 'cus_1', 'EUR', [{ source: 'grant/1', amount: -1 }]),
    );
    await expect(negative).rejects.toMatchObject({ code: '23514' });
  });

  it('has those who open it at the same time take turns', async () => {
    const add = (source: string) =>
      inTransaction(given.db, async (tx) => {
        const row = await lockOrOpenCustomerBalance(tx, 'cus_1', 'GBP');
        enqueueCustomerBalance(tx, 'cus_1', 'GBP', [...row.funds, { source, amount: 5 }]);
      });
    await Promise.all(['grant/a', 'grant/b', 'grant/c'].map(add));
    const row = await inTransaction(given.db, (tx) => lockCustomerBalance(tx, 'cus_1', 'GBP'));
    expect(row?.credit).toBe(15n);
    expect(row?.funds).toHaveLength(3);
  });
});
