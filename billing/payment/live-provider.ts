/**
 * Keeps test clocks away from real money: a live provider charges no customer whose time is a test clock's.
 *
 * Invariant: nothing is sent to a live provider for such a customer, whatever the row of the payment method holds. A
 * method may have been added while the provider's key was one for tests. A customer never changes their clock.
 */
import { ProblemError } from '../../contracts/problem-error';
import { failure, type AttemptOutcome } from '../../domain/payment/payment';
import type { Database } from '../../prisma/client';
import type { PaymentProvider } from '../../providers/port';
import type { CustomerRow } from '../rows';

const detail = 'A live payment provider charges no customer on a test clock.';

/** What an attempt comes to without a call: hard, since no later attempt with the method can be another. */
export const refusedByClock: AttemptOutcome = {
  status: 'failed',
  provider_reference: null,
  failure: failure('invalid_payment_method', detail),
};

/** Whether the provider must not be asked to charge the customer. */
export async function isRefusedByClock(
  db: Database,
  { isLive }: Pick<PaymentProvider, 'isLive'>,
  customerId: string,
): Promise<boolean> {
  if (!isLive) return false;
  const customer = await db.customer.findUnique({
    where: { id: customerId },
    select: { test_clock_id: true },
  });
  return customer?.test_clock_id !== null;
}

/** Refuses a payment method of a live provider. @throws ProblemError `live_provider_on_test_clock` */
export function refuseLiveMethod(
  { test_clock_id }: Pick<CustomerRow, 'test_clock_id'>,
  isLive: boolean,
): void {
  if (isLive && test_clock_id !== null) throw new ProblemError('live_provider_on_test_clock', detail);
}
