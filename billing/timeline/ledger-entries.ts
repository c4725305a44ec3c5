/** The transactions of the ledger as entries of a timeline. Invariant: one statement for each table. */
import { actor } from '../../contracts/fields';
import { ledgerTitle } from '../../domain/timeline/ledger';
import type { TimelinePlace } from '../../domain/timeline/timeline';
import type { Database } from '../../prisma/client';
import { toLedgerEntry } from '../ledger/ledger';
import type { EntryBody } from './entries';
import { ledgerTransactionRow, type LedgerEntryRow, type LedgerTransactionRow } from '../ledger-rows';

/** What of other tables a sentence needs. */
interface Surroundings {
  period: { start: Date; end: Date } | null;
  timeZone: string;
}

/** An entry, and where it stands. */
export interface PlacedTransaction {
  customerId: string;
  seq: bigint;
  entry: EntryBody;
}

/** Reads the transactions at these places: the customer's id and the sequence. */
export async function readLedgerEntries(
  db: Database,
  places: readonly Pick<TimelinePlace, 'id' | 'number'>[],
): Promise<PlacedTransaction[]> {
  const OR = places.map(({ id, number }) => ({ customer_id: id, seq: number }));
  const rows = (await db.ledgerTransaction.findMany({ where: { OR } })).map((row) =>
    ledgerTransactionRow(row),
  );
  const ids = <Key extends keyof LedgerTransactionRow>(key: Key) => [...new Set(rows.map((row) => row[key]))];
  const [entries, periods, subscriptions, customers] = await Promise.all([
    db.ledgerEntry.findMany({ where: { transaction_id: { in: ids('id') } }, orderBy: { position: 'asc' } }),
    db.subscriptionPeriod.findMany({
      where: {
        OR: rows.flatMap(({ subscription_id, period_index: index }) =>
          subscription_id === null || index === null ? [] : [{ subscription_id, index }],
        ),
      },
    }),
    db.subscription.findMany({
      where: { id: { in: ids('subscription_id').filter((id) => id !== null) } },
      select: { id: true, time_zone: true },
    }),
    db.customer.findMany({
      where: { id: { in: ids('customer_id') } },
      select: { id: true, time_zone: true },
    }),
  ]);
  return rows.map((row) => {
    const zoned =
      subscriptions.find(({ id }) => id === row.subscription_id) ??
      customers.find(({ id }) => id === row.customer_id);
    const period = periods.find(
      ({ subscription_id, index }) => subscription_id === row.subscription_id && index === row.period_index,
    );
    const around = { period: period ?? null, timeZone: zoned?.time_zone ?? 'UTC' };
    const own = entries.filter((entry) => entry.transaction_id === row.id);
    return { customerId: row.customer_id, seq: row.seq, entry: toEntry(row, own, around) };
  });
}

function toEntry(
  row: LedgerTransactionRow,
  rows: readonly LedgerEntryRow[],
  { period, timeZone }: Surroundings,
): EntryBody {
  const { id, kind, currency, reason, subscription_id, period_index, payment_id, refund_id } = row;
  const at = row.at.toISOString();
  const entries = rows.map(toLedgerEntry);
  const dates = period === null ? null : { start: period.start.toISOString(), end: period.end.toISOString() };
  return {
    kind: 'ledger',
    title: ledgerTitle({ kind, currency, at, reason, period: dates, time_zone: timeZone, entries }),
    actor: actor.parse(row.actor),
    ref: { type: 'ledger_transaction', id },
    data: { kind, currency, at, subscription_id, period_index, payment_id, refund_id, entries },
  };
}
