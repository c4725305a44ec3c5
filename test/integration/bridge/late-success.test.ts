/** A failure that was told before its attempt turned out to have succeeded is no contradiction when it is read late. */
import { beginAttempt } from '../../../billing/payment/begin-attempt';
import { confirmPaymentOutcome } from '../../../billing/payment/confirm-outcome';
import type { EventData } from '../../../contracts/topics/events';
import { inTransaction } from '../../../prisma/client';
import { settleAttempt } from '../../../billing/payment/settle-attempt';
import { completed, declined, useBilling } from '../../support/billing';

const given = useBilling();

async function renewal(): Promise<string> {
  const { paymentId } = await given.begun();
  await given.db.payment.update({ where: { id: paymentId }, data: { kind: 'renewal' } });
  await beginAttempt(given.db, { payment_id: paymentId, number: 1, trigger: 'renewal' }, false);
  return paymentId;
}
const reported = (paymentId: string, outcome: typeof completed) =>
  inTransaction(given.db, (tx) => settleAttempt(tx, paymentId, 1, outcome, 'webhook'));
async function failureOf(paymentId: string): Promise<EventData<'payments.failed'>> {
  const { payload } = await given.db.outboxEvent.findUniqueOrThrow({
    where: { event_id: `${paymentId}/attempt/1/failed` },
  });
  return (JSON.parse(payload ?? '') as { data: EventData<'payments.failed'> }).data;
}

it('is confirmed, with the rows of now', async () => {
  const paymentId = await renewal();
  await reported(paymentId, declined);
  const failure = await failureOf(paymentId);
  await reported(paymentId, completed);
  const confirmed = await confirmPaymentOutcome(given.db, failure);
  expect(confirmed).toMatchObject({ payment: { status: 'completed' }, attempt: { status: 'completed' } });
});

it('is a contradiction when we never told it', async () => {
  const other = await renewal();
  await reported(other, declined);
  const paymentId = await renewal();
  await reported(paymentId, completed);
  const forged = { ...(await failureOf(other)), payment_id: paymentId };
  await expect(confirmPaymentOutcome(given.db, forged)).rejects.toMatchObject({
    code: 'contradicts_payment',
  });
});
