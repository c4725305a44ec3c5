/** W9: what a provider never looked at is no decline: the same attempt is sent again, and no failure is published. */
import { attemptPayment } from '../../../billing/payment/attempt';
import { markUnknown } from '../../../billing/payment/follow-up';
import { lookUp } from '../../../billing/payment/look-up';
import { planRetry } from '../../../billing/retry/plan';
import type { AttemptOutcome } from '../../../domain/payment/payment';
import { applyFirstPayment } from '../../../billing/subscription/first-payment';
import { completed, declined, noAnswer } from '../../support/billing';
import { on, useMoneyLives, type MoneyLife } from '../../support/money-life';

const { given, begin } = useMoneyLives();
const rateLimited: AttemptOutcome = { status: 'unknown', reason: 'rate_limited' };
const signInWanted: AttemptOutcome = { status: 'unknown', reason: 'http_401' };

beforeEach(() => {
  given.provider.lookups = [{ status: 'not_found' }];
  given.provider.asked.length = 0;
});

/** A subscription of 1 June whose second charge is answered by `outcome` and never arrives, as its follow-up finds it. */
async function unsent(outcome: AttemptOutcome): Promise<MoneyLife> {
  const money = await begin('basic');
  given.provider.asked.length = 0;
  given.provider.charges = [outcome];
  await money.life.advance(on('07-01'));
  await markUnknown(given, await money.paymentId(1));
  return money;
}
const keysSent = () => new Set(given.provider.asked.map(({ idempotencyKey }) => idempotencyKey));

/** Nothing that the customer, or a consumer, could take for a decline. */
async function expectNoDecline(money: MoneyLife): Promise<void> {
  const id = await money.paymentId(1);
  expect(await given.db.paymentAttempt.count({ where: { payment_id: id } })).toBe(1);
  expect(keysSent()).toEqual(new Set([`${id}/1`]));
  expect(await money.life.events('payments.failed')).toEqual([]);
  const where = { topic: 'notifications.requested', key: money.customerId };
  expect(await given.db.outboxEvent.count({ where })).toBe(0);
}

describe('W9: a renewal that its provider refuses with 429 beyond the repeats', () => {
  it('is sent again with the same key until it is taken: one charge, no decline, no dunning', async () => {
    const money = await unsent(rateLimited);
    expect(await money.followUp(1, '2027-07-01T00:30:00.000Z')).toBe(3);
    expect(given.provider.asked).toHaveLength(2);
    expect(await planRetry(given.db, await money.paymentId(1))).toMatchObject({ next: { kind: 'open' } });
    given.provider.charges = [completed];
    await money.followUp(1, '2027-07-01T02:00:00.000Z');
    await money.apply(1);
    expect(await money.life.read()).toMatchObject({ status: 'active', period: { index: 2, paid: true } });
    expect(given.provider.asked).toHaveLength(3);
    await expectNoDecline(money);
  });

  it('is declined when the bank declines it, and dunning begins with the second attempt', async () => {
    const money = await unsent(rateLimited);
    given.provider.charges = [declined];
    await money.followUp(1, on('07-02'));
    expect(await money.payment(1)).toMatchObject({ status: 'failed' });
    expect(await planRetry(given.db, await money.paymentId(1))).toMatchObject({
      next: { kind: 'attempt' },
      next_number: 2,
    });
  });
});

describe('W9: an attempt that never arrives', () => {
  it('by timeouts is proven absent twice before each time that it is sent', async () => {
    const money = await unsent(noAnswer);
    // Sent by the renewal, after 15 minutes, and after 6 hours, each after two lookups.
    await money.followUp(1, '2027-07-01T05:00:00.000Z');
    expect(given.provider.asked).toHaveLength(2);
    expect(await money.attempt(1)).toMatchObject({ status: 'unknown', lookups_not_found: 1 });
    await money.followUp(1, '2027-07-01T07:00:00.000Z');
    expect(given.provider.asked).toHaveLength(3);
    expect(await money.attempt(1)).toMatchObject({ lookups_not_found: 0 });
    await expectNoDecline(money);
  });

  it('because the key of the provider is wrong for two days asks an operator, and is paid once it is right', async () => {
    const money = await unsent(signInWanted);
    await money.followUp(1, on('07-03'));
    expect(await money.tasks()).toEqual(['unknown_outcome']);
    given.provider.charges = [completed];
    await money.followUp(1, on('07-04'));
    await money.apply(1);
    expect(await money.life.read()).toMatchObject({ status: 'active' });
    expect(await money.tasks()).toEqual([]);
    await expectNoDecline(money);
  });

  it('is not sent while its subscription is paused, and is when it is resumed', async () => {
    const money = await unsent(rateLimited);
    await money.life.pause();
    given.provider.charges = [completed];
    await money.followUp(1, on('07-03'));
    expect(given.provider.asked).toHaveLength(1);
    await money.life.resume();
    await money.followUp(1, on('07-04'));
    expect(await money.payment(1)).toMatchObject({ status: 'completed' });
    expect(given.provider.asked).toHaveLength(2);
  });

  it('is not sent with a payment method that was deleted meanwhile', async () => {
    const money = await unsent(rateLimited);
    const { payment_method_id: id } = await money.life.read();
    await given.db.paymentMethod.update({ where: { id: id ?? '' }, data: { deleted_at: new Date() } });
    await money.followUp(1, on('07-02'));
    expect(given.provider.asked).toHaveLength(1);
    expect(await money.attempt(1)).toMatchObject({ failure: { code: 'invalid_payment_method' } });
  });

  it('is cancelled when its subscription has ended meanwhile', async () => {
    const money = await unsent(rateLimited);
    await money.life.cancel({ mode: 'now' });
    await money.followUp(1, on('07-02'));
    expect(given.provider.asked).toHaveLength(1);
    expect(await money.payment(1)).toMatchObject({ status: 'cancelled' });
  });

  it('of a first payment is sent again within the hour, and ends it afterwards', async () => {
    for (const [answer, status] of [
      [completed, 'active'],
      [noAnswer, 'expired'],
    ] as const) {
      given.provider.charges = [noAnswer];
      const { paymentId, subscriptionId } = await given.begun();
      await attemptPayment(given, { payment_id: paymentId, number: 1, trigger: 'first' });
      await applyFirstPayment(given.db, subscriptionId);
      await markUnknown(given, paymentId);
      given.provider.charges = [answer];
      const now = Date.now();
      for (const hours of [0, 0, 2, 2]) {
        await given.db.payment.update({
          where: { id: paymentId },
          data: { created_at: new Date(now - hours * 3_600_000) },
        });
        await lookUpOnce(paymentId);
      }
      expect((await applyFirstPayment(given.db, subscriptionId)).subscription).toMatchObject({ status });
    }
  });
});

async function lookUpOnce(paymentId: string): Promise<void> {
  const last_call_ended_at = new Date(Date.now() - 61_000);
  await given.db.paymentAttempt.updateMany({
    where: { payment_id: paymentId },
    data: { last_call_ended_at },
  });
  await lookUp(given, paymentId, true, { unknownSinceMs: Date.now(), lookups: 2, incompleteHours: 23 });
}
