/** What every predicate of stuck work is made of. */
import { Prisma } from '../../prisma/generated/client';

export type SubjectType = 'subscription' | 'payment' | 'webhook_delivery' | 'bulk_retry' | 'outbox_event';

export interface PredicateSql {
  type: SubjectType;
  /** Selects `id`; `s` is the subscription, `p` the payment. */
  query: (bound: BoundQuery) => Prisma.Sql;
}

/** What a question is bound to. */
export interface BoundQuery {
  toleranceMs: number;
  testClockId: string | null;
  /** When the first lookup of an attempt is due where none is planned yet; default: a minute after its last call. */
  firstLookupAfterMs?: number;
  /** Real time before which a thing counts. */
  before: Date;
  strict: boolean;
  /** The customers that are asked about, as a condition on a column that holds a test clock's id. */
  mine: (column: Prisma.Sql) => Prisma.Sql;
}

/** What time it is for the customer of `s`. */
export const customersNow = Prisma.sql`coalesce((SELECT c.now FROM test_clocks c WHERE c.id = s.test_clock_id), clock_timestamp())`;
export const clockOfSubscription = Prisma.sql`s.test_clock_id`;
