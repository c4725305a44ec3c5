/** Payments and refunds that did not go on by themselves are found, and only those. */
import { actor } from '../../support/creation';
import { attemptPayment } from '../../../billing/payment/attempt';
import { lookUp } from '../../../billing/payment/look-up';
import { inTransaction } from '../../../prisma/client';
import { requestPayment } from '../../../billing/payment/request-payment';
import { reserveRefund } from '../../../billing/payment/reserve-refund';
import { settleRefund } from '../../../billing/payment/settle-refund';
import { findStuckWork } from '../../../billing/reconcile/stuck-work';
import { completed, useBilling, pending } from '../../support/billing';
import { someTrace } from '../../support/trace';

const given = useBilling();

async function found(paymentId: string, toleranceMs = 60_000): Promise<string[]> {
  const items = await findStuckWork(given.db, { toleranceMs, testClockId: null, limit: 100 });
  return items.filter(({ subject }) => subject.id === paymentId).map(({ predicate }) => predicate);
}
async function requested(payment_id: string): Promise<void> {
  const terms = { customer_id: 'cus_1', subscription_id: null, amount: 700, currency: 'EUR' };
  const wanted = { payment_id, ...terms, payment_method_id: 'pm_1', reason: 'fee' };
  const before = new Date(Date.now() - 120_000);
  const times = { now: before, realNow: before };
  await inTransaction(given.db, (tx) => requestPayment(tx, wanted, someTrace, times));
}
const attempt = (payment_id: string) => attemptPayment(given, { payment_id, number: 1, trigger: 'manual' });

it('a payment of its own that nobody tried to take, until somebody does', async () => {
  await requested('pay_untried');
  expect(await found('pay_untried')).toEqual(['manual_not_attempted']);
  await attempt('pay_untried');
  expect(await found('pay_untried')).toEqual([]);
});

it('a refund that has not gone, until it has; one that the provider works on does not disturb the quiet', async () => {
  await requested('pay_promised');
  await attempt('pay_promised');
  const reserved = await inTransaction(given.db, (tx) =>
    reserveRefund(tx, {
      refund_id: 'rfd_promised',
      payment_id: 'pay_promised',
      amount: null,
      reason: 'test',
      actor,
    }),
  );
  const { id } = reserved.kind === 'reserved' ? reserved.refund : { id: '' };
  expect(await found('pay_promised')).toEqual([]);
  await given.db.refund.update({ where: { id }, data: { created_at: new Date(Date.now() - 120_000) } });
  expect(await found('pay_promised')).toEqual(['refund_not_finished']);
  expect(await found('pay_promised', 0)).toContain('refund_not_finished');
  const settle = (status: 'pending' | 'succeeded') =>
    inTransaction(given.db, (tx) => settleRefund(tx, id, { status, provider_reference: 're_1' }));
  await settle('pending');
  expect(await found('pay_promised')).toEqual(['refund_not_finished']);
  expect(await found('pay_promised', 0)).not.toContain('refund_not_finished');
  await settle('succeeded');
  expect(await found('pay_promised')).toEqual([]);
});

it('an open attempt that nobody asked the provider about when it was time, whoever was to ask', async () => {
  const id = 'pay_open';
  given.provider.charges = [pending, completed];
  given.provider.lookups = [pending];
  await requested(id);
  await attempt(id);
  expect(await found(id)).toEqual([]);
  const minutesAgo = (minutes: number) => new Date(Date.now() - minutes * 60_000);
  const calledAgo = async (minutes: number) => {
    const at = minutesAgo(minutes);
    await given.db.paymentAttempt.updateMany({ where: { payment_id: id }, data: { last_call_ended_at: at } });
    await given.db.payment.update({ where: { id }, data: { updated_at: at } });
  };
  // The first question comes after a minute, and may be a minute late.
  await calledAgo(1.5);
  expect(await found(id)).toEqual([]);
  await calledAgo(2.5);
  expect(await found(id)).toEqual(['lookup_due']);

  const lookedUp = async (unknownSinceMs: number, lookups: number) => {
    await lookUp(given, id, true, { unknownSinceMs, lookups, incompleteHours: 23 });
    await given.db.payment.update({ where: { id }, data: { updated_at: minutesAgo(2) } });
  };
  await lookedUp(minutesAgo(2.5).getTime(), 1);
  expect(await found(id)).toEqual([]);
  await lookedUp(minutesAgo(6.5).getTime(), 1);
  expect(await found(id)).toEqual([]);
  await given.db
    .$executeRaw`UPDATE payment_attempts SET next_question_at = ${minutesAgo(1.5)} WHERE payment_id = ${id}`;
  expect(await found(id)).toEqual(['lookup_due']);
  // Paid by another attempt meanwhile, while nobody knows what became of this one.
  await given.db.payment.update({ where: { id }, data: { status: 'completed' } });
  await given.db.paymentAttempt.updateMany({ where: { payment_id: id }, data: { status: 'processing' } });
  expect(await found(id)).toEqual(['lookup_due']);
  await given.db.paymentAttempt.updateMany({ where: { payment_id: id }, data: { status: 'pending' } });
  // After the last lookup of the schedule the next one is due in a day.
  await lookedUp(minutesAgo(100_000).getTime(), 6);
  expect(await found(id)).toEqual([]);
});
