/**
 * The ledger of a customer on real rows, and what has to hold of it after every step: entries against entries, and
 * entries against the rows that stand beside them.
 */
import { emptyState, totalOf, type FundAmount, type LedgerState } from '../../domain/ledger/state';
import { isFinal } from '../../domain/subscription/subscription';
import { subscriptionRow, type SubscriptionRow } from '../../billing/rows';
import { sumAccounts } from '../../billing/ledger/balances-store';
import { readCustomerBalance } from '../../billing/ledger/ledger';
import type { Database } from '../../prisma/client';

/** What of each source an account of a subscription stands at, above 0 on the side that it has. */
const kept: Readonly<Record<string, { amount: FundAmount; sign: 1 | -1 }>> = {
  unearned: { amount: 'unearned', sign: -1 },
  credit: { amount: 'credit', sign: -1 },
  credit_held: { amount: 'held', sign: -1 },
  receivable: { amount: 'receivable', sign: 1 },
};

/**
 * Expects that the ledger of a customer holds: each transaction sums to zero, as a whole and for each source; the state
 * of each subscription and the customer's credit are the sums of their entries; of each payment, what is collected and
 * not applied, what the provider holds, what is on its way back and what is disputed are what its rows say, and
 * what the customer's balance shows; an ended subscription has nothing left.
 * @param id of a subscription, or of its customer
 */
export async function expectLedgerHolds(db: Database, id: string): Promise<void> {
  expect(await ledgerFaults(db, id)).toEqual([]);
}

/** What does not hold of a customer's ledger, in words. */
export async function ledgerFaults(db: Database, id: string): Promise<string[]> {
  const subscription = await db.subscription.findUnique({ where: { id } });
  const customerId = subscription?.customer_id ?? id;
  const rows = await db.subscription.findMany({ where: { customer_id: customerId } });
  const ofSubscriptions: string[] = [];
  for (const row of rows) ofSubscriptions.push(...(await stateFaults(db, subscriptionRow(row))));
  return [
    ...(await unbalanced(db, customerId)),
    ...ofSubscriptions,
    ...(await creditFaults(db, customerId)),
    ...(await paymentFaults(db, customerId)),
    ...(await balanceFaults(db, customerId)),
  ];
}

/**
 * What the accounts of a subscription, or a customer's own, stand at over all sources: debit +, credit -. Those that
 * stand at 0 are left out.
 */
export async function accountsOf(
  db: Database,
  type: 'subscription' | 'customer',
  id: string,
): Promise<Record<string, number>> {
  const sums: Record<string, number> = {};
  for (const { account, amount } of await sumAccounts(db, { type, id })) {
    sums[account] = (sums[account] ?? 0) + amount;
  }
  return Object.fromEntries(Object.entries(sums).filter(([, amount]) => amount !== 0));
}

/** What a customer has in credit, minor units. */
export async function creditOfCustomer(db: Database, customerId: string): Promise<number> {
  const rows = await db.customerBalance.findMany({ where: { customer_id: customerId } });
  return rows.reduce((sum, { credit }) => sum + Number(credit), 0);
}

async function unbalanced(db: Database, customerId: string): Promise<string[]> {
  const rows = await db.$queryRaw<{ id: string; source: string; amount: bigint }[]>`
    SELECT transaction_id AS id, source, sum(amount)::bigint AS amount FROM ledger_entries
    WHERE customer_id = ${customerId} GROUP BY transaction_id, source, currency HAVING sum(amount) <> 0`;
  return rows.map(({ id, source, amount }) => `${id} sums to ${amount} of ${source}`);
}

async function stateFaults(db: Database, row: SubscriptionRow): Promise<string[]> {
  const { id, status, ledger_state } = row;
  const state: LedgerState = ledger_state ?? emptyState;
  const sums = await sumAccounts(db, { type: 'subscription', id });
  const sources = new Set([...sums.map(({ source }) => source), ...state.funds.map(({ source }) => source)]);
  const sumOf = (account: string, source: string) =>
    sums.reduce(
      (sum, entry) => sum + (entry.account === account && entry.source === source ? entry.amount : 0),
      0,
    );
  const fundOf = (source: string) => state.funds.find((fund) => fund.source === source);
  const differ = [...sources].flatMap((source) =>
    Object.entries(kept).flatMap(([account, { amount, sign }]) => {
      const ofEntries = sumOf(account, source) * sign || 0;
      const ofState = fundOf(source)?.[amount] ?? 0;
      if (ofEntries === ofState) return [];
      return [`${id} has ${ofState} ${account} of ${source}, its entries ${ofEntries}`];
    }),
  );
  const lost = [...sources]
    .filter((source) => (fundOf(source)?.written_off ?? 0) > sumOf('written_off', source))
    .map((source) => `${id} could regain more of ${source} than was written off`);
  const left = (['unearned', 'credit', 'held', 'receivable'] as const)
    .filter((amount) => isFinal(status) && totalOf(state, amount) !== 0)
    .map((amount) => `${id} is ${status} and has ${totalOf(state, amount)} ${amount}`);
  return [...differ, ...lost, ...left];
}

/** The customer's row has the sums of its entries, each of its sources for itself. */
async function creditFaults(db: Database, customerId: string): Promise<string[]> {
  const sums = await sumAccounts(db, { type: 'customer', id: customerId });
  const ofEntries = new Map(
    sums
      .filter(({ account }) => account === 'credit')
      .map(({ currency, source, amount }) => [`${currency} of ${source}`, -amount]),
  );
  const rows = await db.customerBalance.findMany({ where: { customer_id: customerId } });
  const ofRows = new Map<string, number>();
  const faults: string[] = [];
  for (const { currency, credit, funds } of rows) {
    const parts = funds as { source: string; amount: number }[];
    for (const { source, amount } of parts) ofRows.set(`${currency} of ${source}`, amount);
    const sum = parts.reduce((total, { amount }) => total + amount, 0);
    if (sum !== Number(credit)) faults.push(`${customerId} has ${credit} ${currency}, its sources ${sum}`);
  }
  for (const key of new Set([...ofEntries.keys(), ...ofRows.keys()])) {
    const [entries, row] = [ofEntries.get(key) ?? 0, ofRows.get(key) ?? 0];
    if (entries !== row) faults.push(`${customerId} has ${row} ${key}, its entries ${entries}`);
  }
  return faults;
}

/** What a customer is shown of their own credit, and of what is on its way back, is the sum of its entries. */
async function balanceFaults(db: Database, customerId: string): Promise<string[]> {
  const { credit, refunding } = await readCustomerBalance(db, customerId);
  const entries = await db.$queryRaw<{ what: string; amount: bigint }[]>`
    SELECT account || ' ' || currency || ' of ' || source AS what, -sum(amount)::bigint AS amount FROM ledger_entries
    WHERE customer_id = ${customerId} AND (account = 'refunding' OR account = 'credit' AND subscription_id IS NULL)
    GROUP BY account, currency, source HAVING sum(amount) <> 0`;
  const shown = Object.entries({ credit, refunding }).flatMap(([account, money]) =>
    money.flatMap(({ currency, sources }) =>
      sources.map(({ source, amount }) => `${account} ${currency} of ${source}: ${amount}`),
    ),
  );
  const kept = entries.map(({ what, amount }) => `${what}: ${amount}`);
  return [
    ...shown.filter((line) => !kept.includes(line)).map((line) => `${customerId} is shown ${line}`),
    ...kept.filter((line) => !shown.includes(line)).map((line) => `${customerId} is not shown ${line}`),
  ];
}

interface PaymentFigures {
  id: string;
  unapplied_amount: bigint;
  disputed_amount: bigint;
  lost_amount: bigint;
  /** What its attempts took, with charges beside them. */
  charged: bigint;
  refunded: bigint;
  /** Pending, or failed and not given up. */
  reserved: bigint;
  cash: bigint;
  unapplied: bigint;
  refunding: bigint;
  disputed: bigint;
}

async function paymentFaults(db: Database, customerId: string): Promise<string[]> {
  const payments = await db.$queryRaw<PaymentFigures[]>`
    SELECT p.id, p.unapplied_amount, p.disputed_amount, p.lost_amount, charges.charged + back.beside AS charged,
      back.refunded, back.reserved, books.cash, books.unapplied, books.refunding, books.disputed
    FROM payments p
    CROSS JOIN LATERAL (
      SELECT coalesce(sum(amount), 0)::bigint AS charged FROM payment_attempts
      WHERE payment_id = p.id AND status = 'completed') AS charges
    CROSS JOIN LATERAL (
      SELECT coalesce(sum(amount) FILTER (WHERE status = 'succeeded'), 0)::bigint AS refunded,
        coalesce(sum(amount) FILTER (WHERE status = 'pending' OR status = 'failed' AND released_at IS NULL), 0)::bigint
          AS reserved,
        coalesce(sum(amount) FILTER (WHERE charge_reference IS NOT NULL), 0)::bigint AS beside
      FROM refunds WHERE payment_id = p.id) AS back
    CROSS JOIN LATERAL (
      SELECT coalesce(sum(amount) FILTER (WHERE account LIKE 'cash/%'), 0)::bigint AS cash,
        coalesce(-sum(amount) FILTER (WHERE account = 'unapplied'), 0)::bigint AS unapplied,
        coalesce(-sum(amount) FILTER (WHERE account = 'refunding'), 0)::bigint AS refunding,
        coalesce(sum(amount) FILTER (WHERE account = 'disputed'), 0)::bigint AS disputed
      FROM ledger_entries WHERE customer_id = p.customer_id AND source = p.id) AS books
    WHERE p.customer_id = ${customerId}`;
  return payments.flatMap((payment) => {
    const { charged, refunded, disputed_amount: disputed, lost_amount: lost } = payment;
    const pairs = [
      ['cash', payment.cash, charged - refunded - disputed - lost],
      ['unapplied', payment.unapplied, payment.unapplied_amount],
      ['refunding', payment.refunding, payment.reserved],
      ['disputed', payment.disputed, disputed],
    ] as const;
    return pairs
      .filter(([, ofEntries, ofRows]) => ofEntries !== ofRows)
      .map(([what, ofEntries, ofRows]) => `${payment.id} has ${ofEntries} ${what}, its rows say ${ofRows}`);
  });
}
