/** Outcomes that come when nobody waits for them any more: late, second, contradicting ones. */
import { beginAttempt } from '../../../billing/payment/begin-attempt';
import { cancelPayment } from '../../../billing/payment/follow-up';
import { commitCancellation } from '../../../billing/subscription/commands';
import type { AttemptOutcome } from '../../../domain/payment/payment';
import { inTransaction } from '../../../prisma/client';
import { attemptOf } from '../../../billing/payment/attempt-store';
import { recordDispute } from '../../../billing/payment/record-dispute';
import { reserveRefund } from '../../../billing/payment/reserve-refund';
import { settleAttempt } from '../../../billing/payment/settle-attempt';
import { completed, declined, useBilling, mismatch, noAnswer, pending } from '../../support/billing';
import { actor } from '../../support/creation';

const given = useBilling();

const begin = (paymentId: string, number: number) =>
  beginAttempt(given.db, { payment_id: paymentId, number, trigger: 'renewal' }, false);
const reported = (paymentId: string, number: number, outcome: AttemptOutcome) =>
  inTransaction(given.db, (tx) => settleAttempt(tx, paymentId, number, outcome, 'webhook'));
const second: AttemptOutcome = { status: 'completed', provider_reference: 'ch_2' };

/** A renewal's payment whose first attempt failed. */
async function failed() {
  const { paymentId, subscriptionId } = await given.begun();
  await given.db.payment.update({ where: { id: paymentId }, data: { kind: 'renewal' } });
  await begin(paymentId, 1);
  await reported(paymentId, 1, declined);
  return { paymentId, subscriptionId };
}
const paymentOf = (id: string) => given.db.payment.findUniqueOrThrow({ where: { id } });
const attemptsOf = async (id: string) =>
  (await given.db.paymentAttempt.findMany({ where: { payment_id: id }, orderBy: { number: 'asc' } })).map(
    ({ status }) => status,
  );
const refundsOf = (id: string) => given.db.refund.findMany({ where: { payment_id: id } });
const tasksOf = async (id: string) =>
  (await given.db.operatorTask.findMany({ where: { subject_id: id } })).map(({ kind }) => kind);
const eventsOf = async (id: string) =>
  (await given.db.outboxEvent.findMany({ where: { subject: id }, orderBy: { id: 'asc' } })).map(
    ({ event_id }) => event_id.slice(id.length),
  );

describe('a success reported after a failed attempt', () => {
  it('completes the payment, with its event and without a next attempt', async () => {
    const { paymentId } = await failed();
    await given.db.payment.update({ where: { id: paymentId }, data: { next_attempt_at: new Date() } });
    expect(await reported(paymentId, 1, completed)).toMatchObject({
      effect: 'late_success',
      settledNow: true,
      attempt: { status: 'completed', failure: null, settled_by: 'webhook' },
    });
    expect(await paymentOf(paymentId)).toMatchObject({ status: 'completed', next_attempt_at: null });
    expect(await eventsOf(paymentId)).toEqual(['/attempt/1/failed', '/attempt/1/completed']);
    expect(await refundsOf(paymentId)).toEqual([]);
  });

  it('completes an uncollectible payment of a living subscription', async () => {
    const { paymentId } = await failed();
    await given.db.payment.update({ where: { id: paymentId }, data: { status: 'uncollectible' } });
    expect(await reported(paymentId, 1, completed)).toMatchObject({ effect: 'late_success' });
    expect(await paymentOf(paymentId)).toMatchObject({ status: 'completed' });
  });

  it('is given back when its subscription has ended, and shown to a person', async () => {
    const { paymentId, subscriptionId } = await failed();
    const command = { command_id: paymentId, mode: 'now', refund: 'none', reason: null, actor } as const;
    await commitCancellation(given, subscriptionId, command);
    await reported(paymentId, 1, completed);
    expect(await refundsOf(paymentId)).toMatchObject([{ amount: 1000n, reason: 'subscription_final' }]);
    expect(await tasksOf(paymentId)).toEqual(['second_success']);
  });

  it('is given back when the payment was cancelled; nobody needs to look', async () => {
    const { paymentId } = await failed();
    await cancelPayment(given, paymentId, 'not wanted');
    await reported(paymentId, 1, completed);
    expect(await refundsOf(paymentId)).toMatchObject([{ amount: 1000n, reason: 'payment_cancelled' }]);
    expect(await tasksOf(paymentId)).toEqual([]);
  });
});

describe('a second success', () => {
  it('of a payment that an earlier attempt paid late is given back in full, and shown to a person', async () => {
    const { paymentId } = await failed();
    await begin(paymentId, 2);
    await reported(paymentId, 1, completed);
    expect(await reported(paymentId, 2, second)).toMatchObject({ effect: 'second_success' });
    expect(await attemptsOf(paymentId)).toEqual(['completed', 'completed']);
    expect(await refundsOf(paymentId)).toMatchObject([{ attempt: 2, amount: 1000n }]);
    expect(await tasksOf(paymentId)).toEqual(['second_success']);
    expect(await paymentOf(paymentId)).toMatchObject({ status: 'completed', refunded_amount: 0n });
    expect(await eventsOf(paymentId)).toEqual(['/attempt/1/failed', '/attempt/1/completed']);
  });

  it('reported fifty times at once is one refund', async () => {
    const { paymentId } = await failed();
    await begin(paymentId, 2);
    await reported(paymentId, 2, second);
    const effects = await Promise.all(Array.from({ length: 50 }, () => reported(paymentId, 1, completed)));
    expect(effects.filter(({ effect }) => effect === 'second_success')).toHaveLength(1);
    expect(await refundsOf(paymentId)).toMatchObject([{ attempt: 1 }]);
  }, 30_000);

  it('of the very attempt under another reference is shown to a person', async () => {
    const { paymentId } = await failed();
    await reported(paymentId, 1, completed);
    expect(await reported(paymentId, 1, completed)).toMatchObject({ effect: 'ignored' });
    expect(await tasksOf(paymentId)).toEqual([]);
    expect(await reported(paymentId, 1, second)).toMatchObject({ effect: 'ignored' });
    expect(await tasksOf(paymentId)).toEqual(['second_success']);
  });
});

describe('what is reported of another attempt while the payment is paid', () => {
  it.each([
    ['its failure', declined, 'failed'],
    ['that it waits', pending, 'pending'],
    ['nothing clear', noAnswer, 'unknown'],
  ] as const)('%s is noted at the attempt and leaves the payment paid', async (_, outcome, status) => {
    const { paymentId } = await failed();
    await begin(paymentId, 2);
    await reported(paymentId, 1, completed);
    await reported(paymentId, 2, outcome);
    expect(await attemptsOf(paymentId)).toEqual(['completed', status]);
    expect(await paymentOf(paymentId)).toMatchObject({ status: 'completed' });
    expect(await eventsOf(paymentId)).not.toContain('/attempt/2/failed');
  });
});

describe('another amount than was asked', () => {
  it('makes the payment unknown, and a person is asked', async () => {
    const { paymentId } = await given.begun();
    await begin(paymentId, 1);
    expect(await reported(paymentId, 1, mismatch)).toMatchObject({ effect: 'noted', settledNow: false });
    expect(await paymentOf(paymentId)).toMatchObject({ status: 'unknown' });
    expect(await tasksOf(paymentId)).toEqual(['amount_mismatch']);
  });

  it('reported of an attempt that had failed changes nothing until a person has decided', async () => {
    const { paymentId } = await failed();
    expect(await reported(paymentId, 1, mismatch)).toMatchObject({ effect: 'ignored' });
    expect(await paymentOf(paymentId)).toMatchObject({ status: 'failed' });
    expect(await tasksOf(paymentId)).toEqual(['amount_mismatch']);
  });
});

describe('a dispute', () => {
  const dispute = (paymentId: string) =>
    inTransaction(given.db, async (tx) => {
      const reported = {
        provider: 'sandbox',
        reference: `dp_${paymentId}`,
        event: 'opened' as const,
        amount: 1000,
      };
      return recordDispute(tx, await attemptOf(tx, paymentId, 1), reported);
    });

  it('marks the payment once, shows it to a person, and stops refunds', async () => {
    const { paymentId } = await failed();
    await reported(paymentId, 1, completed);
    const results = await Promise.all(Array.from({ length: 5 }, () => dispute(paymentId)));
    expect(results.filter(({ recorded }) => recorded)).toHaveLength(1);
    expect(await paymentOf(paymentId)).toMatchObject({ status: 'disputed' });
    expect(await tasksOf(paymentId)).toEqual(['dispute']);
    const order = { refund_id: `rfd_${paymentId}`, payment_id: paymentId, amount: null, reason: 'r', actor };
    const refund = await inTransaction(given.db, (tx) => reserveRefund(tx, order));
    expect(refund).toEqual({ kind: 'refused', reason: 'disputed', left: { amount: 0, currency: 'EUR' } });
  });

  it('of what was not paid changes nothing', async () => {
    const { paymentId } = await failed();
    expect(await dispute(paymentId)).toMatchObject({ recorded: false, payment: { status: 'failed' } });
  });
});
