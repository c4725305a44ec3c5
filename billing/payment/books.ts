/**
 * The books of a payment: whose accounts its money is in, and what moves it out of them.
 *
 * Invariant: a payment of its own, and one without a subscription, has its entries with the customer.
 */
import type { Entry } from '../../domain/ledger/accounts';
import type { Posted } from '../../domain/ledger/posting';
import { emptyState, type LedgerState } from '../../domain/ledger/state';
import type { Transaction } from '../../prisma/client';
import { timesFor, timesForCustomer, type Times } from '../clock';
import { moneyColumns } from '../ledger/money-columns';
import { ledgerOf } from '../ledger/opening';
import { enqueuePosting, type Cause, type LedgerOwner } from '../ledger/post';
import { enqueueMoney } from '../ledger/state-store';
import type { LockedPayment } from '../locks';
import type { SubscriptionRow } from '../rows';

export interface Books {
  owner: LedgerOwner;
  times: Times;
  /** Whether the payment's money is in the subscription's accounts. */
  isSubscriptions: boolean;
}

/** Reads whose books a locked payment is in, and what time it is there. */
export async function booksOf(
  tx: Transaction,
  { payment, subscription, realNow }: LockedPayment,
): Promise<Books> {
  const { customer_id, currency, kind } = payment;
  const isSubscriptions = subscription !== null && kind !== 'manual';
  if (subscription !== null) {
    const { id, test_clock_id } = subscription;
    const times = await timesFor(tx, test_clock_id, realNow);
    return { owner: { id, customer_id, currency, test_clock_id }, times, isSubscriptions };
  }
  const { testClockId: test_clock_id, ...times } = await timesForCustomer(tx, customer_id, realNow);
  return { owner: { id: null, customer_id, currency, test_clock_id }, times, isSubscriptions };
}

/** Writes entries of a payment into the books that it is in. */
export function enqueuePaymentPosting(
  tx: Transaction,
  { owner, times, isSubscriptions }: Books,
  { entries }: Pick<Posted, 'entries'>,
  cause: Cause,
): void {
  enqueuePosting(tx, owner, { entries: isSubscriptions ? entries : entries.map(asCustomers) }, cause, times);
}

function asCustomers(entry: Entry): Entry {
  return { ...entry, owner: 'customer' };
}

/** The state that a payment's money is part of; that of a payment of its own is empty. */
export async function stateFor(
  tx: Transaction,
  { isSubscriptions, times }: Books,
  subscription: SubscriptionRow | null,
): Promise<LedgerState> {
  return isSubscriptions && subscription !== null ? ledgerOf(tx, subscription, times) : emptyState;
}

/** Writes the state that a payment's money is part of. The subscription's lock is held. */
export function enqueueState(
  tx: Transaction,
  { isSubscriptions, times }: Books,
  subscription: SubscriptionRow | null,
  state: LedgerState,
): void {
  if (!isSubscriptions || subscription === null) return;
  enqueueMoney(tx, subscription.id, moneyColumns(state, subscription.waiting_lines, times.now));
}
