/**
 * What time it is for a customer: PostgreSQL's clock, or the test clock that they are bound to.
 *
 * Business instants (due, paid, failed, cancelled) follow it; technical ones (leases, the life of a key, when an
 * event was written) are real.
 */
import { databaseNow, type Database, type Transaction } from '../prisma/client';
import { Prisma } from '../prisma/generated/client';
import { sql } from '../prisma/sql';

export interface Times {
  /** The customer's. */
  now: Date;
  /** PostgreSQL's. */
  realNow: Date;
}

/**
 * Reads the time of a test clock.
 * @param testClockId null: the customer's time is real
 * @param knownNow PostgreSQL's time, when it was just read; else it is read here
 */
export async function timesFor(
  on: Database | Transaction,
  testClockId: string | null,
  knownNow?: Date,
): Promise<Times> {
  const realNow = knownNow ?? (await databaseNow(on));
  if (testClockId === null) return { now: realNow, realNow };
  const [clock] = await sql(on).query<{ now: Date }[]>`
    SELECT now FROM test_clocks WHERE id = ${testClockId}`;
  if (clock === undefined) throw new Error(`test clock ${testClockId} does not exist`);
  return { now: clock.now, realNow };
}

/** A customer, and a real instant. */
export interface RecordedInstant {
  customer_id: string;
  recordedAt: Date;
}

/** Reads what time it was for customers at real instants, in their order; before a clock's first move: real time. */
export async function customersTimesAt(
  on: Database | Transaction,
  asked: readonly RecordedInstant[],
): Promise<Date[]> {
  if (asked.length === 0) return [];
  const rows = await sql(on).query<{ at: Date }[]>`
    SELECT coalesce(${shownAt(Prisma.sql`c.test_clock_id`, Prisma.sql`given.recorded_at`)}, given.recorded_at) AS at
    FROM unnest(
        ${asked.map(({ customer_id }) => customer_id)}::text[],
        ${asked.map(({ recordedAt }) => recordedAt.toISOString())}::timestamptz[]
      ) WITH ORDINALITY AS given(customer_id, recorded_at, place)
      LEFT JOIN customers c ON c.id = given.customer_id
    ORDER BY place`;
  return rows.map(({ at }) => at);
}

/** What a test clock showed at a real instant; null: it was not there, or older than its moves. */
export function shownAt(clockId: Prisma.Sql, recordedAt: Prisma.Sql): Prisma.Sql {
  return Prisma.sql`(
    SELECT m.now FROM test_clock_moves m WHERE m.clock_id = ${clockId} AND m.recorded_at <= ${recordedAt}
    ORDER BY m.recorded_at DESC, m.now DESC LIMIT 1)`;
}

/** Reads what time it is for a customer. @throws Error when there is no such customer */
export async function timesForCustomer(
  on: Database | Transaction,
  customerId: string,
  knownNow?: Date,
): Promise<Times & { testClockId: string | null }> {
  const [found] = await sql(on).query<{ id: string | null; clock_now: Date | null; real_now: Date }[]>`
    SELECT test_clocks.id, test_clocks.now AS clock_now, clock_timestamp() AS real_now
    FROM customers LEFT JOIN test_clocks ON test_clocks.id = customers.test_clock_id
    WHERE customers.id = ${customerId}`;
  if (found === undefined) throw new Error(`customer ${customerId} does not exist`);
  const realNow = knownNow ?? found.real_now;
  return { now: found.clock_now ?? realNow, realNow, testClockId: found.id };
}
