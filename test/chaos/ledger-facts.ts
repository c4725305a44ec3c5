/**
 * The money, as the ledger, the rows beside it and the provider say it. What the invariants of money are judged by.
 *
 * Owns no judgement. Amounts are minor units.
 */
import type { LedgerState } from '../../domain/ledger/state';

export interface LedgerTransactionFact {
  id: string;
  kind: string;
  customer_id: string;
  subscription_id: string | null;
  payment_id: string | null;
  refund_id: string | null;
  currency: string;
}

export interface LedgerEntryFact {
  transaction_id: string;
  account: string;
  source: string;
  amount: number;
  currency: string;
  customer_id: string;
  /** Null: the account is the customer's. */
  subscription_id: string | null;
}

/** What stands beside the entries of a subscription. */
export interface StateFact {
  id: string;
  status: string;
  currency: string;
  balance: number;
  open_payment_id: string | null;
  /** Null: older than the ledger. */
  ledger_state: LedgerState | null;
}

export interface CustomerBalanceFact {
  customer_id: string;
  currency: string;
  credit: number;
  funds: { source: string; amount: number; used?: number }[];
}

export interface PaymentMoneyFact {
  id: string;
  kind: string;
  status: string;
  subscription_id: string | null;
  unapplied_amount: number;
  disputed_amount: number;
  lost_amount: number;
}

/** An attempt whose charge took money. */
export interface ReceivedFact {
  payment_id: string;
  number: number;
  amount: number;
}

export interface RefundMoneyFact {
  id: string;
  payment_id: string;
  status: string;
  amount: number;
  released: boolean;
}

export interface DisputeFact {
  id: string;
  payment_id: string;
  status: string;
  amount: number;
  transitions: number;
}

export interface OpenedPeriodFact {
  subscription_id: string;
  index: number;
  amount: number;
  paid: boolean;
  /** Whether a change of terms opened it: what it moved is the change's. */
  by_change: boolean;
}

/** A change of terms that took effect because its payment was there. */
export interface PaidChangeFact {
  payment_id: string;
  subscription_id: string;
}

/** What the provider holds of a charge that took money. */
export interface HeldAtProviderFact {
  payment_id: string;
  currency: string;
  held: number;
}

export interface LedgerFacts {
  transactions: LedgerTransactionFact[];
  entries: LedgerEntryFact[];
  states: StateFact[];
  customerBalances: CustomerBalanceFact[];
  payments: PaymentMoneyFact[];
  received: ReceivedFact[];
  refunds: RefundMoneyFact[];
  disputes: DisputeFact[];
  periods: OpenedPeriodFact[];
  paidChanges: PaidChangeFact[];
  /** Null: no provider was asked. */
  atProvider: HeldAtProviderFact[] | null;
}

/** Runs one SELECT and gives its rows, with numbers for `int` and `float8`. */
export type Ask = <R extends object>(sql: string) => Promise<R[]>;

/** Reads all of it. @param theProvider of the sandbox's database; null: it is not asked */
export async function gatherLedger(ask: Ask, theProvider: Ask | null): Promise<LedgerFacts> {
  return {
    transactions: await ask(`SELECT id, kind, customer_id, subscription_id, payment_id, refund_id, currency
      FROM ledger_transactions ORDER BY seq`),
    entries:
      await ask(`SELECT transaction_id, account, source, amount::int, currency, customer_id, subscription_id
      FROM ledger_entries ORDER BY transaction_id, position`),
    states: await ask(
      `SELECT id, status, currency, balance::int, open_payment_id, ledger_state FROM subscriptions`,
    ),
    customerBalances: await ask('SELECT customer_id, currency, credit::int, funds FROM customer_balances'),
    payments:
      await ask(`SELECT id, kind, status, subscription_id, unapplied_amount::int, disputed_amount::int,
      lost_amount::int FROM payments`),
    received: await ask(
      `SELECT payment_id, number, amount::int FROM payment_attempts WHERE status = 'completed'`,
    ),
    refunds:
      await ask(`SELECT id, payment_id, status, amount::int, released_at IS NOT NULL AS released FROM refunds
      WHERE taken IS NOT NULL`),
    disputes: await ask('SELECT id, payment_id, status, amount::int, transitions FROM disputes'),
    periods: await ask(`SELECT p.subscription_id, p.index, p.amount::int, p.paid_at IS NOT NULL AS paid,
        coalesce(opening.changes && ARRAY['plan_changed', 'quantity_changed']
          AND NOT opening.changes && ARRAY['renewed', 'resumed']
          AND opening.command_id NOT LIKE '%/due/v%', false) AS by_change
      FROM subscription_periods p LEFT JOIN LATERAL (
        SELECT c.changes, c.command_id FROM changes c
        WHERE c.subject_id = p.subscription_id AND (c.result #>> '{period,index}')::int = p.index
        ORDER BY c.version LIMIT 1) AS opening ON true`),
    paidChanges: await ask(`SELECT c.subject_id AS subscription_id, p.id AS payment_id
      FROM payments p JOIN changes c ON c.command_id = p.id || '/applied'
      WHERE p.kind = 'proration' AND c.changes && ARRAY['plan_changed', 'quantity_changed']`),
    atProvider: theProvider && (await theProvider(heldAtProvider)),
  };
}

/** The definition of docs/sandbox.md: a refund counts once it has succeeded, a dispute while it is open or was lost. */
const heldAtProvider = `
  SELECT c.payment_id, c.currency, (c.amount
    - (SELECT coalesce(sum(r.amount), 0) FROM refunds r WHERE r.charge_id = c.id AND r.status = 'succeeded')
    - (SELECT coalesce(sum(d.amount), 0) FROM charge_disputes d
       WHERE d.charge_id = c.id AND d.status IN ('open', 'lost')))::int AS held
  FROM charges c WHERE c.status = 'succeeded' AND c.payment_id IS NOT NULL`;
