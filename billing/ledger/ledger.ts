/**
 * Reads of the ledger: its pages, what it adds up to, and what a customer has.
 *
 * Invariant: reading changes nothing; what is earned by now is reckoned, not written.
 */
import { actor } from '../../contracts/fields';
import type { CustomerBalance, LedgerTransactionView } from '../../contracts/http/ledger';
import { notFound } from '../../contracts/problem-error';
import { creditOf } from '../../domain/ledger/credit';
import { standingAt } from '../../domain/ledger/standing';
import type { CreditPart } from '../../domain/ledger/state';
import { isFinal } from '../../domain/subscription/subscription';
import type { Database } from '../../prisma/client';
import type { Prisma } from '../../prisma/generated/client';
import { pageBy, type Page, type PageRequest } from '../../prisma/pages';
import { timesForCustomer } from '../clock';
import { ledgerTransactionRow, type LedgerEntryRow, type LedgerTransactionRow } from '../ledger-rows';
import { subscriptionRow } from '../rows';
import { blockedSources } from './credit';
import { readLedgerOf } from './opening';
import { sumRefunding } from './state-store';

/** Whose ledger. A customer's has all that their subscriptions' have. */
export interface LedgerSubject {
  type: 'subscription' | 'customer';
  id: string;
}

/** Reads a page of transactions with their entries, newest first. @throws ProblemError `not_found` */
export async function pageOfLedger(
  db: Database,
  subject: LedgerSubject,
  { after, limit }: PageRequest<bigint>,
): Promise<Page<LedgerTransactionView, bigint>> {
  await refuseUnknown(db, subject);
  const owner = subject.type === 'customer' ? { customer_id: subject.id } : { subscription_id: subject.id };
  const found = await db.ledgerTransaction.findMany({
    where: { ...owner, ...(after === null ? {} : { seq: { lt: after } }) },
    orderBy: { seq: 'desc' },
    take: limit + 1,
  });
  const rows = found.map((row) => ledgerTransactionRow(row));
  const entries = await db.ledgerEntry.findMany({
    where: { transaction_id: { in: rows.slice(0, limit).map(({ id }) => id) } },
    orderBy: [{ transaction_id: 'asc' }, { position: 'asc' }],
  });
  const toItem = (row: LedgerTransactionRow) =>
    toLedgerTransaction(
      row,
      entries.filter((entry) => entry.transaction_id === row.id),
    );
  return pageBy(rows, limit, toItem, ({ seq }) => seq);
}

/** Reads one transaction with its entries. @throws Error when there is none */
export async function readLedgerTransaction(db: Database, id: string): Promise<LedgerTransactionView> {
  const [row, entries] = await Promise.all([
    db.ledgerTransaction.findUniqueOrThrow({ where: { id } }),
    db.ledgerEntry.findMany({ where: { transaction_id: id }, orderBy: { position: 'asc' } }),
  ]);
  return toLedgerTransaction(ledgerTransactionRow(row), entries);
}

async function refuseUnknown(db: Database, { type, id }: LedgerSubject): Promise<void> {
  const where = { id };
  const count = type === 'customer' ? db.customer.count({ where }) : db.subscription.count({ where });
  if ((await count) === 0) throw notFound(type);
}

function toLedgerTransaction(
  row: LedgerTransactionRow,
  entries: readonly LedgerEntryRow[],
): LedgerTransactionView {
  const { seq: _seq, ...fields } = row;
  return {
    ...fields,
    at: row.at.toISOString(),
    recorded_at: row.recorded_at.toISOString(),
    actor: actor.parse(row.actor),
    entries: entries.map(toLedgerEntry),
  };
}

/** An entry as the API shows it. */
export function toLedgerEntry({
  account,
  source,
  amount,
  subscription_id: subscriptionId,
}: LedgerEntryRow): LedgerTransactionView['entries'][number] {
  const owner = subscriptionId === null ? 'customer' : 'subscription';
  return { account, owner, source, amount: Number(amount) };
}

/**
 * Reads what a customer has: credit of their own by currency and source, what is on its way back to them, and what their
 * living subscriptions stand at by the customer's time. @throws ProblemError `not_found`
 */
export async function readCustomerBalance(db: Database, customerId: string): Promise<CustomerBalance> {
  await refuseUnknown(db, { type: 'customer', id: customerId });
  const [{ now }, balances, rows, refunding] = await Promise.all([
    timesForCustomer(db, customerId),
    db.customerBalance.findMany({ where: { customer_id: customerId }, orderBy: { currency: 'asc' } }),
    db.subscription.findMany({ where: { customer_id: customerId }, orderBy: { created_at: 'asc' } }),
    sumRefunding(db, customerId),
  ]);
  const living = await Promise.all(
    rows
      .map((row) => subscriptionRow(row))
      .filter(({ status }) => !isFinal(status))
      .map(async (row) => ({ row, state: await readLedgerOf(db, row, now) })),
  );
  const credit = balances.filter(({ credit }) => credit > 0n).map(creditIn);
  const sources = [...credit.flatMap((own) => own.sources), ...living.flatMap(({ state }) => state.funds)];
  const disputed = new Set(await blockedSources(db, sources));
  const asOf = now.toISOString();
  return {
    customer_id: customerId,
    as_of: asOf,
    credit: credit.map((own) => withDisputed(own, disputed)),
    refunding: [...new Set(refunding.map(({ currency }) => currency))].map((currency) => {
      const parts = refunding.filter((part) => part.currency === currency);
      return {
        currency,
        amount: creditOf(parts),
        sources: parts.map(({ source, amount }) => ({ source, amount })),
      };
    }),
    subscriptions: living.map(({ row, state }) => ({
      subscription_id: row.id,
      status: row.status,
      currency: row.currency,
      ...standingAt(state, asOf),
      credit_disputed: state.funds.reduce(
        (sum, fund) => sum + (disputed.has(fund.source) ? fund.credit : 0),
        0,
      ),
    })),
  };
}

type OwnCredit = Pick<CustomerBalance['credit'][number], 'currency' | 'amount'> & { sources: CreditPart[] };

function creditIn({ currency, credit, funds }: Prisma.CustomerBalanceGetPayload<object>): OwnCredit {
  // What other subscriptions use of a payment stands beside what is left of it.
  const sources = (funds as { source: string; amount: number }[])
    .map(({ source, amount }) => ({ source, amount }))
    .filter(({ amount }) => amount > 0);
  return { currency, amount: Number(credit), sources };
}

function withDisputed(
  { sources, ...own }: OwnCredit,
  disputed: ReadonlySet<string>,
): CustomerBalance['credit'][number] {
  const parts = sources.map((part) => ({ ...part, disputed: disputed.has(part.source) }));
  return { ...own, disputed: creditOf(parts.filter((part) => part.disputed)), sources: parts };
}
