/** W10: a failed payment ends with its subscription. */
import { beginAttempt } from '../../../billing/payment/begin-attempt';
import { judgeCancellation } from '../../../billing/payment/payments';
import { settleAttempt } from '../../../billing/payment/settle-attempt';
import { stopPayment } from '../../../billing/payment/stop-payment';
import { findStuckWork } from '../../../billing/reconcile/stuck-work';
import { repair } from '../../../billing/reconcile/repair';
import { countSelected } from '../../../billing/retry/bulk-store';
import { planRetry } from '../../../billing/retry/plan';
import { inTransaction } from '../../../prisma/client';
import { completed, declined } from '../../support/billing';
import { on, useMoneyLives, type MoneyLife } from '../../support/money-life';

const { given, begin } = useMoneyLives();

/** A subscription whose second period was declined, past due since 1 July. */
async function pastDue(): Promise<MoneyLife> {
  const money = await begin('basic');
  given.provider.charges = [declined];
  await money.life.advance(on('07-01'));
  await planRetry(given.db, await money.paymentId(1));
  await money.startDunning(1);
  expect(await money.payment(1)).toMatchObject({ status: 'failed' });
  return money;
}
const cancelled = { status: 'cancelled', cancel_reason: 'subscription_ended', next_attempt_at: null };
const wakesRetry = (payment_id: string) => [{ kind: 'wake_retry', payment_id, reason: 'settled' }];

async function found(paymentId: string): Promise<string[]> {
  const items = await findStuckWork(given.db, { toleranceMs: 60_000, testClockId: null, limit: 100 });
  return items.filter(({ subject }) => subject.id === paymentId).map(({ predicate }) => predicate);
}

describe('W10: a failed payment', () => {
  it('is cancelled with its subscription, published once, and selected by no bulk retry', async () => {
    const money = await pastDue();
    const id = await money.paymentId(1);
    expect(await countSelected(given.db, {})).toBe(1);
    await money.life.cancel({ mode: 'now' });
    expect(await money.payment(1)).toMatchObject({ ...cancelled, next_notice_at: null });
    expect(await judgeCancellation(given.db, id)).toMatchObject({ status: 'cancelled' });
    expect(await countSelected(given.db, {})).toBe(0);
    const [published, ...more] = await money.life.events('subscriptions.cancelled');
    expect(published?.open_payment_ids).toEqual([id]);
    expect(more).toEqual([]);
    expect(await money.life.events('payments.failed')).toHaveLength(1);
    expect(await stopPayment(given.db, id)).toEqual(wakesRetry(id));
    expect(await planRetry(given.db, id)).toMatchObject({ next: { kind: 'done', reason: 'cancelled' } });
  });

  it('whose attempt begins just before the end is cancelled when that fails, and gives back what it takes', async () => {
    for (const [outcome, status] of [
      [declined, 'cancelled'],
      [completed, 'completed'],
    ] as const) {
      const money = await pastDue();
      const id = await money.paymentId(1);
      await money.life.setNow(on('07-20'));
      expect(await planRetry(given.db, id)).toMatchObject({ next: { kind: 'exhausted' } });
      await beginAttempt(given.db, { payment_id: id, number: 2, trigger: 'manual_retry' }, false);
      await money.exhaustDunning(1, 'expire');
      await inTransaction(given.db, (tx) => settleAttempt(tx, id, 2, outcome, 'answer'));
      expect(await money.payment(1)).toMatchObject({ status, next_attempt_at: null });
      expect(await money.life.read()).toMatchObject({ status: 'expired' });
    }
  });

  it('that an older version left behind is found and cancelled, once', async () => {
    const money = await pastDue();
    const id = await money.paymentId(1);
    await money.life.cancel({ mode: 'now' });
    const at = new Date(Date.now() - 120_000);
    await given.db.payment.update({ where: { id }, data: { status: 'failed', updated_at: at } });
    expect(await found(id)).toEqual([]);
    await given.db.subscription.update({ where: { id: money.life.id }, data: { updated_at: at } });
    expect(await found(id)).toEqual(['failed_after_end']);
    const item = { predicate: 'failed_after_end', subject: { type: 'payment', id } } as const;
    expect(await repair(given, item)).toEqual(wakesRetry(id));
    expect(await money.payment(1)).toMatchObject(cancelled);
    expect(await repair(given, item)).toEqual([]);
    expect(await found(id)).toEqual([]);
  });

  it('of a creation stays failed: it ended its subscription itself, and is tried by no bulk retry', async () => {
    given.provider.charges = [declined];
    const before = await countSelected(given.db, {});
    const { paymentId, subscriptionId } = await given.begun();
    await beginAttempt(given.db, { payment_id: paymentId, number: 1, trigger: 'first' }, false);
    await inTransaction(given.db, (tx) => settleAttempt(tx, paymentId, 1, declined, 'answer'));
    const at = new Date(Date.now() - 120_000);
    await given.db.subscription.update({
      where: { id: subscriptionId },
      data: { status: 'expired', updated_at: at },
    });
    await given.db.payment.update({ where: { id: paymentId }, data: { updated_at: at } });
    expect(await found(paymentId)).toEqual([]);
    expect(await countSelected(given.db, {})).toBe(before);
  });
});
