/** W1: what stays open is asked about each day, an operator is asked, and its subscription is not active for ever. */
import { attemptPayment } from '../../../billing/payment/attempt';
import { beginAttempt } from '../../../billing/payment/begin-attempt';
import { planRetry } from '../../../billing/retry/plan';
import { findStuckWork } from '../../../billing/reconcile/stuck-work';
import { repair } from '../../../billing/reconcile/repair';
import type { AttemptOutcome } from '../../../domain/payment/payment';
import { renewalTrace } from '../../../domain/trace';
import { openDue } from '../../../billing/subscription/open-due';
import { renewSubscription } from '../../../billing/renewal/renew';
import { inTransaction } from '../../../prisma/client';
import type { LookupOutcome } from '../../../providers/port';
import { anyAmount, completed, declined, noAnswer, pending, requiresAction } from '../../support/billing';
import { on, useMoneyLives, type MoneyLife } from '../../support/money-life';
import { someTrace } from '../../support/trace';

const { given, begin } = useMoneyLives();

/** A subscription of 1 June whose second period's charge ends as `outcome`, and is looked up as `lookups` say. */
async function renewing(outcome: AttemptOutcome, lookups: LookupOutcome): Promise<MoneyLife> {
  const money = await begin('basic');
  given.provider.charges = [outcome];
  given.provider.lookups = [lookups];
  await money.life.advance(on('07-01'));
  return money;
}
const attempts = async (money: MoneyLife) =>
  given.db.paymentAttempt.count({ where: { payment_id: { in: await money.payments() } } });

describe('W1: a renewal that stays pending, its webhook lost', () => {
  it('is looked up each day, past due when its period ends, a task after three days, and paid by a lookup', async () => {
    const money = await renewing(pending, pending);
    await money.followUp(1, on('07-03'));
    expect(await money.tasks()).toEqual([]);
    await money.followUp(1, on('07-31'));
    expect(await money.tasks()).toEqual(['unknown_outcome']);
    expect(await money.life.advance('2027-07-31T23:59:59.000Z')).toMatchObject({ status: 'active' });
    expect(await money.life.advance(on('08-01'))).toMatchObject({ status: 'past_due' });
    expect(await money.life.events('subscriptions.updated')).toMatchObject([{ changes: ['past_due'] }]);
    // Six quick lookups on the first two days, and one each day since.
    await money.followUp(1, on('12-31'));
    expect((await money.attempt(1)).lookups).toBeGreaterThan(180);
    expect(await attempts(money)).toBe(2);
    expect(await money.life.read()).toMatchObject({ status: 'past_due', period: { index: 2, paid: false } });

    given.provider.lookups = [completed];
    await money.followUp(1, '2028-01-02T00:00:00.000Z');
    await money.apply(1);
    expect(await money.life.read()).toMatchObject({ status: 'active', period: { index: 2, paid: true } });
    expect(await money.tasks()).toEqual([]);
  });

  it('I15: is past due in the trace of its renewal, also when its payment belongs to another', async () => {
    const money = await renewing(pending, pending);
    await given.db.payment.update({
      where: { id: await money.paymentId(1) },
      data: { trace: { ...someTrace } },
    });
    await money.life.advance(on('08-01'));
    const pastDue = { subject: money.life.id, topic: 'subscriptions.updated' };
    const { payload } = await given.db.outboxEvent.findFirstOrThrow({ where: pastDue });
    expect(JSON.parse(payload ?? '{}')).toMatchObject(renewalTrace(money.life.id, 2));
  });

  it('gets no attempt beside the open one, whatever is asked for, and is retried once it has failed', async () => {
    const money = await renewing(pending, pending);
    await money.life.advance(on('08-01'));
    const id = await money.paymentId(1);
    expect(await planRetry(given.db, id)).toMatchObject({ next: { kind: 'open' } });
    for (const trigger of ['automatic_retry', 'manual_retry'] as const) {
      const begun = await beginAttempt(given.db, { payment_id: id, number: 2, trigger }, false);
      expect(begun).toEqual({
        kind: 'answer',
        answer: { status: 'refused', reason: 'payment_not_chargeable' },
      });
    }
    given.provider.lookups = [declined];
    await money.followUp(1, on('08-03'));
    expect(await planRetry(given.db, id)).toMatchObject({ next: { kind: 'attempt' }, next_number: 2 });
    given.provider.charges = [completed];
    await attemptPayment(given, { payment_id: id, number: 2, trigger: 'automatic_retry' });
    await money.apply(1);
    expect(await money.life.read()).toMatchObject({ status: 'active' });
  });
});

describe('W1: everything else that waits for a provider', () => {
  it('a change whose charge waits for its customer is looked up until its period ends, and then dropped', async () => {
    const money = await begin('basic');
    given.provider.charges = [requiresAction];
    given.provider.lookups = [requiresAction];
    await money.life.change({ plan_id: 'top', proration: 'charge_now' });
    await money.followUp(1, on('06-30'));
    expect(await money.tasks()).toEqual(['unknown_outcome']);
    expect((await money.attempt(1)).lookups).toBeGreaterThan(30);
    given.provider.charges = [completed];
    expect(await money.life.advance(on('07-01'))).toMatchObject({ plan_id: 'basic', pending_change: null });
    expect(await money.payment(1)).toMatchObject({ cancel_reason: 'change_overtaken' });
  });

  it('a renewal whose provider never reports anything is looked up each day, and asked of an operator after one', async () => {
    const money = await renewing(noAnswer, noAnswer);
    await given.db.paymentAttempt.updateMany({
      where: { payment_id: await money.paymentId(1) },
      data: { status: 'unknown' },
    });
    await money.followUp(1, on('07-01'));
    expect(await money.tasks()).toEqual([]);
    await money.followUp(1, on('07-03'));
    expect(await money.tasks()).toEqual(['unknown_outcome']);
    expect(await money.life.advance(on('08-01'))).toMatchObject({ status: 'past_due' });
    await money.resolve('unknown_outcome', 'failed');
    expect(await planRetry(given.db, await money.paymentId(1))).toMatchObject({ next: { kind: 'attempt' } });
  });

  it('a provider that is not configured any more is looked up no more often', async () => {
    const money = await renewing(pending, pending);
    await given.db.paymentAttempt.updateMany({
      where: { payment_id: await money.paymentId(1) },
      data: { provider: 'gone' },
    });
    expect(await money.followUp(1, on('07-11'))).toBeLessThan(20);
    expect(await money.tasks()).toEqual(['unknown_outcome']);
  });

  it('a payment that was never tried when its period ends is tried once, past due', async () => {
    const money = await begin('basic');
    await money.life.setNow(on('07-01'));
    await inTransaction(given.db, (tx) => openDue(tx, money.life.id, anyAmount));
    await money.life.setNow(on('08-01'));
    given.provider.charges = [completed];
    const { record } = await renewSubscription(given, money.life.id);
    expect(record.subscription).toMatchObject({ status: 'active', period: { index: 2, paid: true } });
    expect(money.charged()).toEqual([1000, 1000]);
  });

  it('is found by the reconciliation when it was not looked up, and no task was raised', async () => {
    const money = await renewing(pending, pending);
    const id = await money.paymentId(1);
    await money.followUp(1, on('07-02'));
    await money.life.setNow(on('07-05'));
    const at = new Date(Date.now() - 120_000);
    await given.db.payment.update({ where: { id }, data: { updated_at: at } });
    const items = await findStuckWork(given.db, { toleranceMs: 60_000, testClockId: null, limit: 100 });
    const found = items.filter(({ subject }) => subject.id === id);
    expect(found.map(({ predicate }) => predicate).toSorted()).toEqual(['lookup_due', 'open_without_task']);
    for (const item of found) await repair(given, item);
    expect(await money.tasks()).toEqual(['unknown_outcome']);
  });
});
