/**
 * The accounts of the ledger, the kinds of its transactions, and which kind moves which accounts. Pure.
 *
 * Owns: the one table of kinds and accounts; the CHECK of `ledger_entries` is the same (a test compares them).
 */

/** Cash has one account for each provider: `cash/stripe`. */
export const cashPrefix = 'cash/';

/** What an account begins with: its name, or `cash`. */
export const accountNames = [
  'cash',
  'receivable',
  'unearned',
  'earned',
  'credit',
  'credit_held',
  'refunding',
  'unapplied',
  'disputed',
  'written_off',
  'forfeited',
  'allowances',
  'opening',
] as const;
export type AccountName = (typeof accountNames)[number];

const all: readonly AccountName[] = accountNames;

/** For each kind of transaction, the accounts that its entries may have. */
export const accountsOf = {
  period_opened: ['receivable', 'unearned', 'earned', 'credit', 'credit_held', 'forfeited', 'unapplied'],
  period_ended: ['unearned', 'earned', 'receivable', 'forfeited'],
  payment_collected: ['cash', 'unapplied', 'earned', 'receivable', 'unearned', 'credit', 'written_off'],
  payment_applied: [
    'unapplied',
    'receivable',
    'unearned',
    'earned',
    'credit',
    'written_off',
    'refunding',
    'credit_held',
  ],
  change_applied: ['unearned', 'earned', 'receivable', 'credit', 'credit_held', 'unapplied'],
  credit_held: ['credit', 'credit_held'],
  credit_released: ['credit', 'credit_held'],
  subscription_ended: [
    'unearned',
    'earned',
    'forfeited',
    'receivable',
    'written_off',
    'credit',
    'credit_held',
    'refunding',
    'allowances',
    'unapplied',
  ],
  written_off: ['unearned', 'earned', 'receivable', 'credit', 'written_off', 'credit_held'],
  refund_reserved: [
    'unapplied',
    'credit',
    'unearned',
    'earned',
    'allowances',
    'refunding',
    'cash',
    'credit_held',
  ],
  refund_settled: ['refunding', 'cash'],
  refund_failed: ['refunding', 'cash'],
  refund_released: ['refunding', 'credit', 'unearned', 'earned', 'allowances', 'unapplied', 'written_off'],
  dispute_opened: ['disputed', 'cash', 'unearned', 'earned', 'credit', 'credit_held'],
  dispute_won: ['disputed', 'cash', 'unearned', 'earned', 'credit', 'written_off', 'allowances'],
  dispute_lost: ['disputed', 'unapplied', 'credit', 'unearned', 'earned', 'written_off', 'credit_held'],
  credit_granted: ['allowances', 'credit'],
  credit_corrected: ['allowances', 'credit'],
  opening: all,
  reversal: all,
} as const satisfies Readonly<Record<string, readonly AccountName[]>>;

export type LedgerKind = keyof typeof accountsOf;
export const ledgerKinds = Object.keys(accountsOf) as LedgerKind[];

/** What one transaction moves on one account. */
export interface Entry {
  account: string;
  /** Whose money it is: a payment's id, `grant/{transaction}`, or `owed`. */
  source: string;
  /** Minor units; debit +, credit -. */
  amount: number;
  /** Left out: the account is the subscription's. */
  owner?: 'customer';
}

/** The account that holds what a provider has for us. */
export function cashAccount(provider: string): string {
  return `${cashPrefix}${provider}`;
}

/** Whether transactions of a kind may have entries of an account. */
export function isAccountOf(kind: LedgerKind, account: string): boolean {
  const name = account.startsWith(cashPrefix) && account !== cashPrefix ? 'cash' : account;
  if (name === 'cash' && name === account) return false;
  return (accountsOf[kind] as readonly string[]).includes(name);
}
