import { ledgerKinds, type LedgerKind } from '../../../../domain/ledger/accounts';
import { ledgerTitle, type TitledTransaction } from '../../../../domain/timeline/ledger';

const period = { start: '2027-01-14T23:00:00.000Z', end: '2027-02-14T23:00:00.000Z' };
const given = {
  currency: 'EUR',
  at: '2027-02-04T23:30:00.000Z',
  reason: null,
  period,
  time_zone: 'Europe/Berlin',
};

type Moved = Record<string, number>;
/** `account source`, and `customer account source` for the customer's own. */
const titleOf = (kind: LedgerKind, moved: Moved, more: Partial<TitledTransaction> = {}): string => {
  const entries = Object.entries(moved).map(([name, amount]) => {
    const [source = '', account = '', owner] = name.split(' ').toReversed();
    return {
      account,
      source,
      amount,
      owner: owner === undefined ? ('subscription' as const) : ('customer' as const),
    };
  });
  return ledgerTitle({ ...given, kind, entries, ...more });
};
const dates = '15 Jan 2027 – 15 Feb 2027';

it.each<[LedgerKind, Moved, string]>([
  ['period_opened', { 'receivable p2': 1_000, 'unearned p2': -1_000 }, `10.00 EUR due for ${dates}`],
  [
    'period_opened',
    {
      'unearned p1': 1_000,
      'earned p1': -1_000,
      'credit p1': 980,
      'receivable owed': 20,
      'unearned owed': -1_000,
    },
    `9.80 EUR of credit used for ${dates}; 0.20 EUR carried to the next charge`,
  ],
  ['period_opened', { 'unearned p1': 1_000, 'earned p1': -1_000 }, `Nothing due for ${dates}`],
  ['period_ended', { 'unearned p1': 1_000, 'earned p1': -1_000 }, `10.00 EUR earned for ${dates}`],
  ['payment_collected', { 'cash/sandbox p1': 1_000, 'unapplied p1': -1_000 }, '10.00 EUR received'],
  ['payment_collected', { 'cash/sandbox p1': 5_000, 'earned p1': -5_000 }, '50.00 EUR paid'],
  [
    'payment_collected',
    { 'cash/sandbox p1': 1_000, 'written_off p1': -467, 'credit p1': -533 },
    `4.67 EUR paid for ${dates}; 5.33 EUR kept as credit`,
  ],
  [
    'payment_collected',
    { 'cash/sandbox p1': 1_000, 'receivable p1': -1_000, 'unearned p1': 300, 'earned p1': -300 },
    `10.00 EUR paid for ${dates}`,
  ],
  ['payment_applied', { 'unapplied p1': 1_000, 'receivable p1': -1_000 }, `10.00 EUR paid for ${dates}`],
  [
    'payment_applied',
    { 'unapplied p1': 1_000, 'written_off p1': -467, 'credit p1': -533 },
    `4.67 EUR paid for ${dates}; 5.33 EUR kept as credit`,
  ],
  [
    'payment_applied',
    { 'unapplied p1': 1_000, 'refunding p1': -1_000 },
    '10.00 EUR goes back: it came too late',
  ],
  [
    'change_applied',
    { 'earned p1': -667, 'unearned p1': 1_000, 'credit p1': -333 },
    '3.33 EUR credited by the change of 5 Feb 2027',
  ],
  [
    'change_applied',
    { 'receivable owed': -500, 'unearned owed': 500 },
    '5.00 EUR less owed by the change of 5 Feb 2027',
  ],
  [
    'change_applied',
    { 'receivable owed': 500, 'unearned owed': -500 },
    '5.00 EUR due by the change of 5 Feb 2027',
  ],
  [
    'change_applied',
    { 'unapplied p2': 986, 'credit_held p1': 10_014, 'unearned p2': -986, 'unearned p1': -10_014 },
    '9.86 EUR paid by the change of 5 Feb 2027; 100.14 EUR of credit used by the change of 5 Feb 2027',
  ],
  [
    'change_applied',
    { 'earned p1': -5, 'unearned p1': 5 },
    'Nothing to charge or to credit by the change of 5 Feb 2027',
  ],
  ['credit_held', { 'credit p1': 300, 'credit_held p1': -300 }, '3.00 EUR of credit set aside for a charge'],
  ['credit_released', { 'credit p1': -300, 'credit_held p1': 300 }, '3.00 EUR of credit is free again'],
  [
    'subscription_ended',
    {
      'unearned p1': 500,
      'refunding p1': -400,
      'forfeited p1': -100,
      'credit p1': 8_100,
      'customer credit p1': -8_100,
      'receivable owed': -250,
      'written_off owed': 250,
    },
    'At the end on 5 Feb 2027: 4.00 EUR goes back; 81.00 EUR stays the customer’s credit; 1.00 EUR forfeited; 2.50 EUR written off',
  ],
  ['subscription_ended', { 'unearned p1': 1, 'earned p1': -1 }, 'At the end on 5 Feb 2027: nothing is left'],
  [
    'written_off',
    { 'receivable p1': -467, 'written_off p1': 467, 'unearned p2': 100, 'credit p2': -100 },
    `4.67 EUR written off for ${dates}; 1.00 EUR returned to credit`,
  ],
  ['refund_reserved', { 'unearned p1': 400, 'refunding p1': -400 }, '4.00 EUR reserved to go back'],
  [
    'refund_reserved',
    { 'customer credit p1': 400, 'refunding p1': -400 },
    '4.00 EUR of the customer’s credit reserved to go back',
  ],
  [
    'refund_reserved',
    { 'allowances p1': 600, 'cash/stripe p1': -600 },
    '6.00 EUR given back at the provider',
  ],
  ['refund_settled', { 'refunding p1': 400, 'cash/stripe p1': -400 }, '4.00 EUR given back'],
  [
    'refund_failed',
    { 'refunding p1': -400, 'cash/stripe p1': 400 },
    'A refund of 4.00 EUR failed after it was settled; it stays reserved',
  ],
  ['refund_released', { 'refunding p1': 400, 'credit p1': -400 }, 'A refund of 4.00 EUR is given up'],
  ['dispute_opened', { 'disputed p1': 1_000, 'cash/stripe p1': -1_000 }, '10.00 EUR is under dispute'],
  ['dispute_won', { 'disputed p1': -1_000, 'cash/stripe p1': 1_000 }, 'Dispute of 10.00 EUR won'],
  [
    'dispute_won',
    { 'written_off p1': -1_000, 'cash/stripe p1': 1_000 },
    'Dispute of 10.00 EUR won after it was lost',
  ],
  ['dispute_lost', { 'disputed p1': -1_000, 'written_off p1': 1_000 }, 'Dispute of 10.00 EUR lost'],
  [
    'credit_granted',
    { 'customer allowances g': 500, 'customer credit g': -500 },
    '5.00 EUR of credit granted',
  ],
  [
    'credit_corrected',
    { 'customer allowances g': -500, 'customer credit g': 500 },
    '5.00 EUR of credit taken back',
  ],
  ['opening', { 'opening p1': 1, 'credit p1': -1 }, 'Balances of before were entered in the ledger'],
  ['reversal', { 'unearned p1': 1, 'earned p1': -1 }, 'An entry of the ledger was reversed'],
])('%s of %j reads "%s"', (kind, moved, title) => {
  expect(titleOf(kind, moved)).toBe(title);
});

it('says why a person did it, and leaves the period out where there is none', () => {
  const granted = { 'customer allowances g': 500, 'customer credit g': -500 };
  expect(titleOf('credit_granted', granted, { reason: 'goodwill' })).toBe(
    '5.00 EUR of credit granted: goodwill',
  );
  const paid = { 'unapplied p1': 1_000, 'receivable p1': -1_000 };
  expect(titleOf('payment_applied', paid, { period: null, currency: 'JPY' })).toBe('1000 JPY paid');
});

it.each(ledgerKinds)('%s has a sentence even when nothing moved', (kind) => {
  expect(titleOf(kind, {})).not.toBe('');
});
