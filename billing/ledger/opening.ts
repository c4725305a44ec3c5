/**
 * The state of a subscription's money. A row that is older than the ledger has none: the first transaction that
 * locks it enters what it says, once.
 *
 * Invariants: the entries, the state and what marks payments and refunds as entered are written by one transaction, under
 * the subscription's lock; a reader computes the same and writes nothing.
 */
import type { OpeningFacts, Opened } from '../../domain/ledger/opening';
import { openingId, openLedger } from '../../domain/ledger/opening';
import type { LedgerState } from '../../domain/ledger/state';
import { moneyText } from '../../domain/money';
import type { Database, Transaction } from '../../prisma/client';
import type { Times } from '../clock';
import { enqueueOperatorTask } from '../operator-tasks';
import type { SubscriptionRow } from '../rows';
import { enqueueOpeningState, enqueueOldRefunds, findOldPayments, findOpeningState } from './opening-store';
import { enqueuePosting } from './post';
import { enqueueUnapplied } from './state-store';

export const openingActor = { kind: 'system', id: 'ledger-opening', reason: null } as const;

/** The state as it stands under the row's lock for a change; a row without one is entered. */
export async function ledgerOf(tx: Transaction, row: SubscriptionRow, times: Times): Promise<LedgerState> {
  return row.ledger_state ?? (await enterSubscription(tx, row, times)).state;
}

/** {@link ledgerOf} for who only reads: nothing is written. */
export async function readLedgerOf(db: Database, row: SubscriptionRow, now: Date): Promise<LedgerState> {
  if (row.ledger_state !== null) return row.ledger_state;
  const found = await reckon(db, row, now);
  return 'known' in found ? found.known : found.state;
}

/** What an entry came to; `entered` false: another had entered it. */
export type EnteredSubscription = Pick<Opened, 'state' | 'untraced' | 'contradiction'> & { entered: boolean };

/** Enters a subscription into the ledger, once. Its lock for a change is held. */
export async function enterSubscription(
  tx: Transaction,
  row: SubscriptionRow,
  times: Times,
): Promise<EnteredSubscription> {
  const opened = await reckon(tx, row, times.now);
  // The row may have been read before this transaction entered it.
  if ('known' in opened) return { state: opened.known, untraced: 0, contradiction: null, entered: false };
  const { state, untraced, contradiction } = opened;
  const id = openingId(row.id);
  enqueuePosting(tx, row, opened, { id, kind: 'opening', actor: openingActor }, times);
  enqueueOpeningState(tx, row.id, state);
  for (const { payment_id: paymentId, amount } of opened.unapplied) enqueueUnapplied(tx, paymentId, amount);
  enqueueOldRefunds(tx, opened.refunds, times.realNow);
  const doubt = doubtOf(row, opened);
  if (doubt !== null) {
    enqueueOperatorTask(tx, 'ledger_opening', { type: 'subscription', id: row.id }, doubt, times.realNow);
  }
  return { state, untraced, contradiction, entered: true };
}

async function reckon(
  on: Database | Transaction,
  row: SubscriptionRow,
  now: Date,
): Promise<Opened | { known: LedgerState }> {
  const { ledger_state: known, period_price: periodPrice } = await findOpeningState(on, row.id);
  if (known !== null) return { known };
  return openLedger(await factsOf(on, row, periodPrice, now));
}

async function factsOf(
  on: Database | Transaction,
  row: SubscriptionRow,
  periodPrice: number | null,
  now: Date,
): Promise<OpeningFacts> {
  const { id, status, currency, waiting_lines, open_payment_id } = row;
  const { period_index: index, period_start: start, period_end: end, period_paid: paid } = row;
  const price = Number(row.amount);
  const hasPeriod = index !== null && start !== null && end !== null;
  return {
    id,
    status,
    currency,
    price,
    balance: Number(row.balance),
    waiting_lines,
    open_payment_id,
    change_payment_id: row.pending_change?.payment_id ?? null,
    paused_at: row.paused_at?.toISOString() ?? null,
    period: hasPeriod
      ? {
          index,
          start: start.toISOString(),
          end: end.toISOString(),
          paid: paid ?? false,
          price: periodPrice ?? (index === 0 ? 0 : price),
        }
      : null,
    payments: await findOldPayments(on, id),
    now: now.toISOString(),
  };
}

function doubtOf(row: SubscriptionRow, { untraced, contradiction, entries }: Opened): string | null {
  const { currency, balance } = row;
  if (contradiction !== null) {
    const awaited = [...new Set(entries.map(({ source }) => source))];
    const save = awaited.length === 0 ? '' : ` save for ${awaited.join(', ')}, which it waits for`;
    return `The rows of this subscription contradict each other: ${contradiction}. The ledger has no entries of what was before${save}; its balance is ${moneyText(Number(balance), currency)}. Compare with the provider's records, and grant credit to the customer where some is missing.`;
  }
  if (untraced === 0) return null;
  return `Of this subscription's credit ${moneyText(untraced, currency)} come from no payment. They stand against the account "opening" and will be used for its next charges.`;
}
