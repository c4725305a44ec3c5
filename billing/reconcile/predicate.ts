/**
 * What every predicate of stuck work is made of.
 *
 * Invariant: what a predicate goes through is named by one index, in that index' order; all else is read by key, of a
 * bounded number of rows. So no statement grows with the tables, and a round can go on where another one stopped.
 */
import type { Predicate } from '../../domain/stuck-work';
import { Prisma } from '../../prisma/generated/client';

export type SubjectType = 'subscription' | 'payment' | 'webhook_delivery' | 'bulk_retry' | 'outbox_event';

export interface StuckItem {
  predicate: Predicate;
  subject: { type: SubjectType; id: string };
}

export interface PredicateSql {
  type: SubjectType;
  /** Gone through one after the other; none: the predicate is not asked in this way. */
  sources: (bound: BoundQuery) => readonly Source[];
}

/** Rows that may be stuck, and which of them are. */
export interface Source {
  over: TableAlias;
  /** The condition of a partial index, in its words; without parameters, or with those of a range of its columns. */
  among: Prisma.Sql;
  /** The columns of that index, which are unique: oldest first. Another order needs a migration that empties the pass. */
  order: readonly Column[];
  /** Joins by key. */
  joined: Prisma.Sql;
  /** Which of them are stuck. */
  stuck: Prisma.Sql;
  /** The subject. */
  id: Prisma.Sql;
}

/** A table, and by what letter it goes. */
export interface TableAlias {
  table: Prisma.Sql;
  as: Prisma.Sql;
}

export interface Column {
  name: Prisma.Sql;
  type: Prisma.Sql;
}

/** What a question is bound to. */
export interface BoundQuery {
  toleranceMs: number;
  testClockId: string | null;
  /** When the first lookup of an attempt is due where none is planned yet; default: a minute after its last call. */
  firstLookupAfterMs?: number;
  /** Real time before which a thing counts. */
  before: Date;
  /** No tolerance: whatever is in progress counts. */
  strict: boolean;
  /** The customers that are asked about, as a condition on a column that holds a test clock's id. */
  mine: (column: Prisma.Sql) => Prisma.Sql;
}

/** What time it is for the customer of `s`. */
export const customersNow = Prisma.sql`coalesce((SELECT c.now FROM test_clocks c WHERE c.id = s.test_clock_id), clock_timestamp())`;
export const clockOfSubscription = Prisma.sql`s.test_clock_id`;

const text = Prisma.sql`text`;
export const column = (name: Prisma.Sql, type: Prisma.Sql = text): Column => ({ name, type });
export const instant = Prisma.sql`timestamptz`;

export const subscriptions: TableAlias = { table: Prisma.sql`subscriptions`, as: Prisma.sql`s` };
export const payments: TableAlias = { table: Prisma.sql`payments`, as: Prisma.sql`p` };

/** Subscriptions or payments by when they were last changed. */
export const longestUnchanged = {
  subscriptions: [column(Prisma.sql`s.updated_at`, instant), column(Prisma.sql`s.id`)],
  payments: [column(Prisma.sql`p.updated_at`, instant), column(Prisma.sql`p.id`)],
} as const;

export const idOfSubscription = Prisma.sql`s.id`;
export const idOfPayment = Prisma.sql`p.id`;

/** Joins the customer of the payment `p` as `s`: of both only the test clock is asked for. */
export const joinedCustomer = Prisma.sql`JOIN customers s ON s.id = p.customer_id`;

/** Payments of a status (`payments_open`, `payments_failed_oldest`, `payments_unapplied_oldest`). */
export function paymentsAmong(
  among: Prisma.Sql,
  stuck: Prisma.Sql,
  joined: Prisma.Sql = joinedCustomer,
): Source {
  return { over: payments, among, order: longestUnchanged.payments, joined, stuck, id: idOfPayment };
}
