/**
 * Statements that write the ledger, and the balances of customers that are kept beside it.
 *
 * Invariants: a transaction is written once, with all of its entries or not at all; what is written is never changed.
 */
import type { Actor } from '../../contracts/fields';
import type { Entry, LedgerKind } from '../../domain/ledger/accounts';
import { creditOf, type CustomerFund } from '../../domain/ledger/credit';
import type { Transaction } from '../../prisma/client';
import { sql } from '../../prisma/sql';

export interface LedgerTransaction {
  /** Derived from its cause, so that a repeat finds it. */
  id: string;
  kind: LedgerKind;
  customerId: string;
  subscriptionId: string | null;
  periodIndex: number | null;
  paymentId: string | null;
  refundId: string | null;
  testClockId: string | null;
  /** Of all entries. */
  currency: string;
  /** By the customer's time. */
  at: Date;
  realNow: Date;
  actor: Actor;
  /** What a person gave as the reason; an erasure blanks it. */
  reason: string | null;
  /** Their sum is 0, and none of them is. */
  entries: readonly Entry[];
}

/**
 * Writes a transaction of the ledger with its entries. Its id written before, or no entries: nothing happens.
 * The actor's own reason is left out, so that `reason` is the only free text.
 * @throws Error when an entry is 0, or is a subscription's while the transaction has none
 */
export function enqueueLedgerTransaction(tx: Transaction, transaction: LedgerTransaction): void {
  const { id, kind, entries, customerId, subscriptionId, currency, at, realNow } = transaction;
  if (entries.length === 0) return;
  const rows = entries.map(({ account, source, amount, owner }, position) => {
    if (amount === 0) throw new Error(`ledger transaction ${id}: the entry of ${account}, ${source} is 0`);
    if (owner === undefined && subscriptionId === null) {
      throw new Error(`ledger transaction ${id}: ${account}, ${source} is of no subscription`);
    }
    return { position, account, source, amount, subscription_id: owner ? null : subscriptionId };
  });
  const actor: Actor = { ...transaction.actor, reason: null };
  sql(tx).enqueue`
    WITH written AS (
      INSERT INTO ledger_transactions (id, kind, customer_id, subscription_id, period_index, payment_id, refund_id,
        test_clock_id, currency, at, recorded_at, actor, reason)
      VALUES (${id}, ${kind}, ${customerId}, ${subscriptionId}, ${transaction.periodIndex}, ${transaction.paymentId},
        ${transaction.refundId}, ${transaction.testClockId}, ${currency}, ${at}, ${realNow},
        ${JSON.stringify(actor)}::jsonb, ${transaction.reason})
      ON CONFLICT (id) DO NOTHING
      RETURNING id, kind, currency, customer_id
    )
    INSERT INTO ledger_entries (transaction_id, position, kind, account, source, amount, currency, customer_id,
      subscription_id)
    SELECT written.id, entry.position, written.kind, entry.account, entry.source, entry.amount, written.currency,
      written.customer_id, entry.subscription_id
    FROM written, json_to_recordset(${JSON.stringify(rows)}::json)
      AS entry(position int, account text, source text, amount bigint, subscription_id text)`;
}

/**
 * Writes what a customer has in one currency from now on. The caller holds the balance's lock, or finds no row there.
 * @param funds grants, then payments from the oldest on; their sum is the credit
 */
export function enqueueCustomerBalance(
  tx: Transaction,
  customerId: string,
  currency: string,
  funds: readonly CustomerFund[],
): void {
  const credit = creditOf(funds);
  const kept = funds.filter(({ amount, used = 0 }) => amount !== 0 || used !== 0);
  sql(tx).enqueue`
    INSERT INTO customer_balances (customer_id, currency, credit, funds)
    VALUES (${customerId}, ${currency}, ${credit}, ${JSON.stringify(kept)}::jsonb)
    ON CONFLICT (customer_id, currency) DO UPDATE SET credit = EXCLUDED.credit, funds = EXCLUDED.funds`;
}

/** Whether there is a transaction with this id. */
export async function wasTransactionWritten(tx: Transaction, id: string): Promise<boolean> {
  const rows = await sql(tx).query`SELECT FROM ledger_transactions WHERE id = ${id}`;
  return rows.length > 0;
}
