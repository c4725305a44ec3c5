/** Statements that add the ledger's entries up. */
import type { Database, Transaction } from '../../prisma/client';
import { sql } from '../../prisma/sql';
import { Prisma } from '../../prisma/generated/client';
import type { LedgerSubject } from './ledger';

/** What an account stands at for one source: debit +, credit -. */
export interface AccountBalance {
  account: string;
  source: string;
  /** Minor units. */
  amount: number;
  currency: string;
}

/** Adds up the accounts of a subscription, or a customer's own; those that stand at 0 are left out. */
export async function sumAccounts(
  on: Database | Transaction,
  { type, id }: LedgerSubject,
): Promise<AccountBalance[]> {
  const isOf =
    type === 'customer'
      ? Prisma.sql`whole.customer_id = ${id} AND entry.subscription_id IS NULL`
      : Prisma.sql`whole.subscription_id = ${id} AND entry.subscription_id = ${id}`;
  const rows = await sql(on).query<(Omit<AccountBalance, 'amount'> & { amount: bigint })[]>`
    SELECT entry.account, entry.source, sum(entry.amount)::bigint AS amount, entry.currency
    FROM ledger_transactions AS whole JOIN ledger_entries AS entry ON entry.transaction_id = whole.id
    WHERE ${isOf}
    GROUP BY entry.currency, entry.account, entry.source
    HAVING sum(entry.amount) <> 0
    ORDER BY entry.currency, entry.account COLLATE "C", entry.source COLLATE "C"`;
  return rows.map((row) => ({ ...row, amount: Number(row.amount) }));
}
