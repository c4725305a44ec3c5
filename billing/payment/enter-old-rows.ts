/**
 * Enters all that is older than the ledger, as part of a migration.
 *
 * Invariants: each subscription, and each payment of its own, is entered once, in a transaction of its own under its
 * locks, so that a run that was ended goes on where it was, and processes may work meanwhile.
 */
import { openingId, openOwnPayment } from '../../domain/ledger/opening';
import { inTransaction, type Database, type Transaction } from '../../prisma/client';
import { timesFor } from '../clock';
import { wasTransactionWritten } from '../ledger/ledger-store';
import { enterSubscription, openingActor } from '../ledger/opening';
import {
  enqueueOldRefunds,
  findOldPayment,
  findUnentered,
  findUnenteredPayments,
  type NextUnentered,
} from '../ledger/opening-store';
import { lockPaymentInOrder, lockSubscription } from '../locks';
import { enqueueOperatorTask } from '../operator-tasks';
import { booksOf, enqueuePaymentPosting } from './books';

/** What a run has entered. */
export interface EnteredRows {
  subscriptions: number;
  /** Payments of their own, and those without a subscription. */
  payments: number;
  /** Subscriptions with credit that no payment backs. */
  untraced: number;
  /** Subscriptions and payments whose rows contradict each other: they have no entries. */
  contradictions: number;
}

/** How many transactions run at once: about what the connections of a migration allow. */
const lanes = 4;

/**
 * Enters what is not entered yet.
 * @param report is given the sums of the run after each batch that entered something
 * @param batchSize rows that are looked at together
 */
export async function enterOldRows(
  db: Database,
  report: (entered: EnteredRows) => void,
  batchSize = 1_000,
): Promise<EnteredRows> {
  const sums: EnteredRows = { subscriptions: 0, payments: 0, untraced: 0, contradictions: 0 };
  await forAll(
    (after) => findUnentered(db, after, batchSize),
    async (id) => {
      const entered = await inTransaction(db, (tx) => enterLocked(tx, id));
      if (entered === null) return;
      sums.subscriptions += 1;
      if (entered.untraced > 0) sums.untraced += 1;
      if (entered.contradiction !== null) sums.contradictions += 1;
    },
    () => report({ ...sums }),
  );
  await forAll(
    (after) => findUnenteredPayments(db, after, batchSize),
    async (id) => {
      const contradiction = await inTransaction(db, (tx) => enterOwnPayment(tx, id));
      if (contradiction === null) sums.payments += 1;
      else sums.contradictions += 1;
    },
    () => report({ ...sums }),
  );
  return sums;
}

/** Looks at all rows by their ids. Each id is handled once; those of a batch in any order. */
async function forAll(
  next: (after: string) => Promise<NextUnentered>,
  enter: (id: string) => Promise<void>,
  onEntered: () => void,
): Promise<void> {
  for (let after: string | null = ''; after !== null;) {
    const { ids, last }: NextUnentered = await next(after);
    const waiting = ids[Symbol.iterator]();
    const lane = async () => {
      for (const id of waiting) await enter(id);
    };
    await Promise.all(Array.from({ length: lanes }, lane));
    if (ids.length > 0) onEntered();
    after = last;
  }
}

async function enterLocked(tx: Transaction, subscriptionId: string) {
  const locked = await lockSubscription(tx, subscriptionId);
  if (locked === null || locked.row.ledger_state !== null) return null;
  const times = await timesFor(tx, locked.row.test_clock_id, locked.realNow);
  return enterSubscription(tx, locked.row, times);
}

/** @returns why it has no entries; null: it is entered */
async function enterOwnPayment(tx: Transaction, paymentId: string): Promise<string | null> {
  const locked = await lockPaymentInOrder(tx, paymentId);
  const id = openingId(paymentId);
  const [books, old, isEntered] = await Promise.all([
    booksOf(tx, locked),
    findOldPayment(tx, paymentId),
    wasTransactionWritten(tx, id),
  ]);
  if (old === null || isEntered) return null;
  const { entries, refunds, contradiction } = openOwnPayment(old);
  if (contradiction !== null) {
    const detail = `The rows of this payment contradict each other: ${contradiction}. The ledger has no entries of what was before. Compare with the provider's records.`;
    const subject = { type: 'payment', id: paymentId } as const;
    enqueueOperatorTask(tx, 'ledger_opening', subject, detail, books.times.realNow);
    return contradiction;
  }
  const cause = { id, kind: 'opening' as const, actor: openingActor, paymentId };
  enqueuePaymentPosting(tx, books, { entries }, cause);
  enqueueOldRefunds(tx, refunds, books.times.realNow);
  return null;
}
