/** Writes what a decision about money came to: its entries, and the customer's credit that it moved. */
import type { Actor } from '../../contracts/fields';
import type { LedgerKind } from '../../domain/ledger/accounts';
import type { Posted } from '../../domain/ledger/posting';
import type { Transaction } from '../../prisma/client';
import type { Times } from '../clock';
import { enqueueLedgerTransaction } from './ledger-store';

/** Whose books an entry is in: a subscription, or a customer alone. */
export interface LedgerOwner {
  /** The subscription; null: the customer's own. */
  id: string | null;
  customer_id: string;
  currency: string;
  test_clock_id: string | null;
}

/** What made a transaction of the ledger true. */
export interface Cause {
  /** Derived from the fact: a repeat writes nothing. */
  id: string;
  kind: LedgerKind;
  actor: Actor;
  /** When it happened, by the customer's time; left out: now. */
  at?: Date;
  reason?: string | null;
  periodIndex?: number | null;
  paymentId?: string | null;
  refundId?: string | null;
}

/** Writes the entries of a decision. Without entries it writes nothing. */
export function enqueuePosting(
  tx: Transaction,
  owner: LedgerOwner,
  { entries }: Pick<Posted, 'entries'>,
  cause: Cause,
  times: Times,
): void {
  enqueueLedgerTransaction(tx, {
    id: cause.id,
    kind: cause.kind,
    customerId: owner.customer_id,
    subscriptionId: owner.id,
    periodIndex: cause.periodIndex ?? null,
    paymentId: cause.paymentId ?? null,
    refundId: cause.refundId ?? null,
    testClockId: owner.test_clock_id,
    currency: owner.currency,
    at: cause.at ?? times.now,
    realNow: times.realNow,
    actor: cause.actor,
    reason: cause.reason ?? null,
    entries,
  });
}
