/**
 * What time it is for a customer: PostgreSQL's clock, or the test clock that they are bound to.
 *
 * Business instants (due, paid, failed, cancelled) follow it; technical ones (leases, the life of a key, when an
 * event was written) are real.
 */
import { databaseNow, type Transaction } from '../prisma/client';

export interface Times {
  /** The customer's. */
  now: Date;
  /** PostgreSQL's. */
  realNow: Date;
}

/**
 * @param testClockId null: the customer's time is real
 * @param signalledNow PostgreSQL's time, when it was just told; else it is asked
 */
export async function timesFor(
  tx: Transaction,
  testClockId: string | null,
  signalledNow?: Date,
): Promise<Times> {
  const realNow = signalledNow ?? (await databaseNow(tx));
  if (testClockId === null) return { now: realNow, realNow };
  const clock = await tx.testClock.findUniqueOrThrow({ where: { id: testClockId } });
  return { now: clock.now, realNow };
}

/** What time it is for a customer. @throws when there is no such customer */
export async function timesForCustomer(
  tx: Transaction,
  customerId: string,
  signalledNow?: Date,
): Promise<Times> {
  const customer = await tx.customer.findUniqueOrThrow({
    where: { id: customerId },
    select: { test_clock_id: true },
  });
  return timesFor(tx, customer.test_clock_id, signalledNow);
}
