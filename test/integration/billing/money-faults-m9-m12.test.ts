/** M9 to M12 of the faults of November 2026, each with the right value and neighbours that differ from it. */
import { inTransaction } from '../../../prisma/client';
import { enqueueOperatorTask } from '../../../billing/operator-tasks';
import type { AttemptOutcome } from '../../../domain/payment/payment';
import { completed, noAnswer } from '../../support/billing';
import { on, useMoneyLives, type MoneyLife } from '../../support/money-life';

const { given, begin } = useMoneyLives();

/** Since 1 June; then it is another day. */
const since = async (plan: string, day: string) => {
  const money = await begin(plan);
  await money.life.setNow(on(day));
  return money;
};
/** Top since 1 June, basic since 11 June: 60.00 of credit. */
const withCredit = async () => {
  const money = await since('top', '06-11');
  await money.life.change({ plan_id: 'basic' });
  return money;
};

describe('M9: a cancellation at the period’s end makes its refund then', () => {
  it('in full, counted for the end however late it is executed', async () => {
    const money = await since('basic', '06-11');
    await money.life.cancel({ mode: 'period_end', refund: 'full' });
    expect(await money.refunds()).toEqual([]);
    await money.life.setNow(on('07-05'));
    expect(await money.life.advance(on('07-05'))).toMatchObject({ status: 'cancelled' });
    expect(await money.refunds()).toEqual([[0, 1000, 'subscription_cancelled']]);
    await money.payOut();
    expect(await money.accounts()).toEqual({ earned: -1000, allowances: 1000 });
  });

  it('prorated: the credit, for no time is left', async () => {
    const money = await withCredit();
    await money.life.cancel({ mode: 'period_end', refund: 'prorated' });
    await money.life.advance(on('07-05'));
    expect(await money.refunds()).toEqual([[0, 6000, 'subscription_cancelled']]);
    expect(await money.customerCredit()).toBe(0);
  });

  it('as it was asked for first: another refund is refused', async () => {
    const money = await since('basic', '06-11');
    await money.life.cancel({ mode: 'period_end', refund: 'full' });
    expect(await money.life.cancel({ mode: 'period_end', refund: 'none' })).toMatchObject({
      kind: 'refused',
      code: 'subscription_state',
      detail: expect.stringContaining('refund full'),
    });
    await money.life.advance(on('07-05'));
    expect(await money.refunds()).toEqual([[0, 1000, 'subscription_cancelled']]);
  });

  it('not that of a cancellation which was taken back', async () => {
    const money = await since('basic', '06-11');
    await money.life.cancel({ mode: 'period_end', refund: 'full' });
    await money.life.change({ cancel_at_period_end: false });
    await money.life.change({ cancel_at_period_end: true });
    expect(await money.life.advance(on('07-05'))).toMatchObject({ status: 'cancelled' });
    expect(await money.refunds()).toEqual([]);
  });
});

describe('M10: a prorated cancellation gives back what waits as credit, whatever its period', () => {
  it('after a year was turned into months', async () => {
    const money = await begin('year', '01-01');
    await money.life.setNow(on('01-31'));
    await money.life.change({ plan_id: 'basic', proration: 'charge_now' });
    expect((await money.life.read()).balance).toBe(-10_014);
    await money.life.cancel({ refund: 'prorated' });
    expect(await money.refunds()).toEqual([[0, 11_014, 'subscription_cancelled']]);
    expect(await money.customerCredit()).toBe(0);
    expect(money.charged()).toEqual([12_000]);
  });

  it('after a move to a free plan', async () => {
    const money = await since('basic', '06-16');
    await money.life.change({ plan_id: 'free' });
    await money.life.setNow(on('06-21'));
    await money.life.cancel({ refund: 'prorated' });
    expect(await money.refunds()).toEqual([[0, 500, 'subscription_cancelled']]);
  });

  it.each([
    ['prorated', [[0, 5677, 'subscription_cancelled']], 0, { earned: -4323 }],
    ['full', [[0, 6000, 'subscription_cancelled']], 0, { earned: -4323, allowances: 323 }],
    ['none', [], 5000, { earned: -4323, forfeited: -677 }],
  ] as const)(
    'after a period that credit paid, with refund=%s',
    async (refund, refunds, credit, accounts) => {
      const money = await withCredit();
      await money.life.advance(on('07-01'));
      await money.life.setNow(on('07-11'));
      await money.life.cancel({ refund });
      expect(await money.refunds()).toEqual(refunds);
      expect(await money.customerCredit()).toBe(credit);
      await money.payOut();
      const { 'cash/sandbox': _cash, ...rest } = await money.accounts();
      expect(rest).toEqual(accounts);
    },
  );
});

describe('M11: a refund that fails after it had succeeded', () => {
  const failed = { status: 'failed', provider_reference: 're_1', reason: 'account_closed' } as const;

  /** Top since 1 June; 40.00 went back on 11 June, and the provider says later that they did not. */
  const failedLate = async () => {
    const money = await since('top', '06-11');
    const refundId = await money.refund(0, 4000);
    await money.payOut();
    expect(await money.payment(0)).toMatchObject({ status: 'partially_refunded', refunded_amount: 4000n });
    await money.receiveRefund(refundId, failed);
    return { money, refundId };
  };

  it('is failed, its money set aside, and a person is asked', async () => {
    const { money, refundId } = await failedLate();
    expect(await given.db.refund.findUnique({ where: { id: refundId } })).toMatchObject({
      status: 'failed',
      failure_reason: 'account_closed',
    });
    expect(await money.payment(0)).toMatchObject({ status: 'completed', refunded_amount: 0n });
    expect(await money.tasks()).toEqual(['refund_failed']);
    expect(await money.accounts()).toMatchObject({ 'cash/sandbox': 10_000, refunding: -4000 });
  });

  it('is answered by another refund, which is paid from what it had set aside', async () => {
    const { money } = await failedLate();
    await money.refund(0, 4000);
    await money.payOut();
    expect(await money.tasks()).toEqual([]);
    expect(await money.accounts()).toEqual({ 'cash/sandbox': 6000, earned: -3333, unearned: -2667 });
    expect(await money.payment(0)).toMatchObject({ status: 'partially_refunded', refunded_amount: 4000n });
  });

  it('gives its money back to the time that is left when a person gives it up', async () => {
    const { money } = await failedLate();
    await money.life.setNow(on('06-16'));
    await money.resolve('refund_failed', 'failed');
    expect(await money.accounts()).toEqual({ 'cash/sandbox': 10_000, earned: -4000, unearned: -6000 });
    await money.life.setNow(on('06-21'));
    await money.life.cancel({ refund: 'prorated' });
    expect(await money.refunds()).toEqual([
      [0, 4000, 'goodwill'],
      [0, 4000, 'subscription_cancelled'],
    ]);
  });

  it('is given up twice, for what it took each time, when it was paid after all in between', async () => {
    const money = await since('top', '06-21');
    const refundId = await money.refund(0, 8000);
    const paid = { status: 'succeeded', provider_reference: 're_1' } as const;
    for (const day of ['06-21', '06-26']) {
      await money.life.setNow(on(day));
      await money.receiveRefund(refundId, paid);
      await money.receiveRefund(refundId, failed);
      await money.resolve('refund_failed', 'failed');
    }
    expect(await money.accounts()).toEqual({ 'cash/sandbox': 10_000, earned: -8333, unearned: -1667 });
  });

  it('is credit of the customer when its subscription has ended', async () => {
    const money = await since('top', '06-11');
    await money.life.cancel({ refund: 'prorated' });
    await money.payOut();
    const { id } = await given.db.refund.findFirstOrThrow({
      where: { payment_id: await money.paymentId(0) },
    });
    await money.receiveRefund(id, failed);
    await money.resolve('refund_failed', 'failed');
    expect(await money.customerCredit()).toBe(6667);
    expect(await money.accounts()).toEqual({ 'cash/sandbox': 10_000, earned: -3333 });
  });
});

describe('a dispute that was lost and is won after all', () => {
  it('gives its money back to the time that is left', async () => {
    const money = await since('top', '06-11');
    await money.dispute(0, 'opened');
    await money.dispute(0, 'lost');
    expect(await money.accounts()).toEqual({ earned: -3333, written_off: 3333 });
    await money.life.setNow(on('06-16'));
    await money.dispute(0, 'won');
    expect(await money.accounts()).toEqual({ 'cash/sandbox': 10_000, earned: -3333, unearned: -6667 });
  });
});

describe('M12: a person’s word about a charge whose reference nobody knew', () => {
  const named = (reference: string): AttemptOutcome => ({
    status: 'completed',
    provider_reference: reference,
  });
  const ask = async (money: MoneyLife, nth: number) => {
    const subject = { type: 'payment', id: await money.paymentId(nth) } as const;
    await inTransaction(given.db, (tx) => {
      enqueueOperatorTask(tx, 'unknown_outcome', subject, 'Nobody knows.', new Date());
      return Promise.resolve();
    });
  };

  /** The renewal of 1 July gave no answer, and a person says what became of it. */
  const resolved = async (outcome: 'succeeded' | 'failed') => {
    const money = await begin('basic');
    given.provider.charges = [noAnswer];
    await money.life.advance(on('07-01'));
    await ask(money, 1);
    await money.resolve('unknown_outcome', outcome);
    await money.apply(1);
    given.provider.charges = [completed];
    return money;
  };

  it('as succeeded: the true reference is adopted', async () => {
    const money = await resolved('succeeded');
    expect(await money.attempt(1)).toMatchObject({ status: 'completed', provider_reference: null });
    await money.receive(1, named('ch_7'));
    expect(await money.attempt(1)).toMatchObject({ status: 'completed', provider_reference: 'ch_7' });
    expect([await money.tasks(), await money.refunds(), await money.cash(1)]).toEqual([[], [], 1000]);
    await money.refund(1, null);
    await money.payOut();
    expect(given.provider.askedRefunds.at(-1)).toMatchObject({ providerReference: 'ch_7', amount: 1000 });
  });

  it('as succeeded: another charge than the adopted one goes back', async () => {
    const money = await resolved('succeeded');
    for (const reference of ['ch_7', 'ch_8', 'ch_8']) await money.receive(1, named(reference));
    expect(await money.attempt(1)).toMatchObject({ provider_reference: 'ch_7' });
    expect(await money.refunds()).toEqual([[1, 1000, 'second_success']]);
    expect(await money.tasks()).toEqual(['second_success']);
    expect(await money.cash(1)).toBe(2000);
    await money.holds();
    await money.payOut();
    expect(given.provider.askedRefunds.at(-1)).toMatchObject({ providerReference: 'ch_8' });
    expect(await money.cash(1)).toBe(1000);
    expect(await money.payment(1)).toMatchObject({ status: 'completed', refunded_amount: 0n });
  });

  it('as failed: the charge that was a success is kept', async () => {
    const money = await resolved('failed');
    await money.receive(1, named('ch_7'));
    await money.apply(1);
    expect(await money.attempt(1)).toMatchObject({ status: 'completed', provider_reference: 'ch_7' });
    expect(await money.life.read()).toMatchObject({ period: { index: 2, paid: true } });
    expect([await money.tasks(), await money.refunds(), await money.cash(1)]).toEqual([[], [], 1000]);
  });

  it('about a change: it is applied once', async () => {
    const money = await since('basic', '06-11');
    given.provider.charges = [noAnswer];
    await money.life.change({ plan_id: 'top', proration: 'charge_now' });
    await money.life.setNow(on('06-16'));
    await ask(money, 1);
    await money.resolve('unknown_outcome', 'succeeded');
    await money.apply(1);
    await money.receive(1, named('ch_7'));
    await money.apply(1);
    expect(await money.life.read()).toMatchObject({ plan_id: 'top', pending_change: null });
    expect(await money.attempt(1)).toMatchObject({ provider_reference: 'ch_7' });
    expect([await money.tasks(), await money.refunds(), await money.cash(1)]).toEqual([[], [], 6000]);
  });
});
