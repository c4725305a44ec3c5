/** M5 to M8 of the faults of November 2026, each with the right value and neighbours that differ from it. */
import { completed, pending } from '../../support/billing';
import { on, useMoneyLives, type MoneyLife } from '../../support/money-life';

const { given, begin } = useMoneyLives();

describe('M5: a change without proration moves no money, and the next one counts what was paid', () => {
  /** Since 1 June; on 11 June another plan without proration; then it is 12 June. */
  const moved = async (from: string, to: string) => {
    const money = await begin(from);
    await money.life.setNow(on('06-11'));
    await money.life.change({ plan_id: to, proration: 'none' });
    await money.life.setNow(on('06-12'));
    return money;
  };

  it('up and down again credits nothing, and at most the rest of what was paid', async () => {
    const money = await moved('basic', 'top');
    await money.life.change({ plan_id: 'basic' });
    expect(await money.life.read()).toMatchObject({ plan_id: 'basic', balance: 0 });
    await money.life.advance(on('07-01'));
    expect(money.charged()).toEqual([1000, 1000]);
    const toFree = await moved('basic', 'top');
    await toFree.life.change({ plan_id: 'free' });
    expect((await toFree.life.read()).balance).toBe(-633);
  });

  it('down and up again charges nothing a second time', async () => {
    const money = await moved('top', 'basic');
    await money.life.change({ plan_id: 'top', proration: 'charge_now' });
    expect(await money.life.read()).toMatchObject({ plan_id: 'top', balance: 0 });
    expect(money.charged()).toEqual([10_000]);
  });

  it('a prorated cancellation after it gives back half of what was paid', async () => {
    const money = await moved('basic', 'top');
    await money.life.setNow(on('06-16'));
    await money.life.cancel({ refund: 'prorated' });
    expect(await money.refunds()).toEqual([[0, 500, 'subscription_cancelled']]);
  });

  it('a change to another interval after it deducts the rest of what was paid', async () => {
    const money = await moved('basic', 'top');
    await money.life.change({ plan_id: 'year', proration: 'charge_now' });
    expect(money.charged()).toEqual([1000, 11_367]);
  });
});

describe('M6: what went back is not there for a change', () => {
  /** Top since 1 June, of which an amount went back on 11 June. */
  const refunded = async (amount: number | null) => {
    const money = await begin('top');
    await money.life.setNow(on('06-11'));
    await money.refund(0, amount);
    await money.payOut();
    return money;
  };

  it('is not credited by a change down', async () => {
    const money = await refunded(null);
    await money.life.setNow(on('06-12'));
    await money.life.change({ plan_id: 'basic' });
    expect((await money.life.read()).balance).toBe(633);
    expect(await money.accounts()).not.toHaveProperty('credit');
    await money.life.advance(on('07-01'));
    expect(money.charged()).toEqual([10_000, 1633]);
  });

  it('is not deducted from another interval', async () => {
    const money = await refunded(null);
    await money.life.setNow(on('06-12'));
    await money.life.change({ plan_id: 'year', proration: 'charge_now' });
    expect(money.charged()).toEqual([10_000, 12_000]);
  });

  it('takes the credit that waits with it', async () => {
    const money = await begin('top');
    await money.life.setNow(on('06-11'));
    await money.life.change({ plan_id: 'basic' });
    expect((await money.life.read()).balance).toBe(-6000);
    await money.life.setNow(on('06-16'));
    await money.refund(0, null);
    await money.payOut();
    expect(await money.accounts()).toEqual({ earned: -3500, allowances: 3500 });
    await money.life.advance(on('07-01'));
    expect(money.charged()).toEqual([10_000, 1000]);
  });

  it('leaves the rest when only a part went back', async () => {
    const money = await refunded(5000);
    await money.life.change({ plan_id: 'basic' });
    expect((await money.life.read()).balance).toBe(-1000);
    const renewed = await money.life.advance(on('07-01'));
    expect(renewed).toMatchObject({ balance: 0, period: { index: 2, paid: true } });
    expect(money.charged()).toEqual([10_000]);
  });
});

describe('M7: a change of interval that waits for the end of the trial', () => {
  /** In a trial of 14 days since 1 June; on 5 June another plan is asked for. */
  const trying = async (from: string, to: string) => {
    const money = await begin(from, '06-01', { trial_days: 14 });
    await money.life.setNow(on('06-05'));
    await money.life.change({ plan_id: to, effective: 'period_end' });
    return money;
  };
  const periods = async (money: Awaited<ReturnType<typeof begin>>) =>
    (await money.life.periods()).map(({ start, end }) => `${start.slice(0, 10)} ${end.slice(0, 10)}`);

  it('to a year gives the first paid period the year’s dates and price', async () => {
    const money = await trying('basic', 'year');
    await money.life.advance('2028-06-16T00:00:00.000Z');
    expect(await periods(money)).toEqual([
      '2027-06-01 2027-06-15',
      '2027-06-15 2028-06-15',
      '2028-06-15 2029-06-15',
    ]);
    expect(money.charged()).toEqual([12_000, 12_000]);
  });

  it('to a month gives the first paid period the month’s dates and price', async () => {
    const money = await trying('year', 'basic');
    await money.life.advance(on('07-16'));
    expect(await periods(money)).toEqual([
      '2027-06-01 2027-06-15',
      '2027-06-15 2027-07-15',
      '2027-07-15 2027-08-15',
    ]);
    expect(money.charged()).toEqual([1000, 1000]);
  });

  it('to a week renews each week', async () => {
    const money = await trying('basic', 'week');
    await money.life.advance(on('06-30'));
    expect(await periods(money)).toEqual([
      '2027-06-01 2027-06-15',
      '2027-06-15 2027-06-22',
      '2027-06-22 2027-06-29',
      '2027-06-29 2027-07-06',
    ]);
    expect(money.charged()).toEqual([300, 300, 300]);
  });

  it('is refused outside of a trial', async () => {
    const money = await begin('basic');
    const asked = await money.life.change({ plan_id: 'year', effective: 'period_end' });
    expect(asked).toMatchObject({ kind: 'refused', code: 'validation_failed', reason: 'proration' });
  });
});

describe('M8: a refund that was made at the provider', () => {
  const top = async () => {
    const money = await begin('top');
    await money.life.setNow(on('06-11'));
    return money;
  };

  it('is taken over, and the rest can be given back', async () => {
    const money = await top();
    await money.refundAtProvider(0, 4000, 're_there');
    expect(await money.payment(0)).toMatchObject({ status: 'partially_refunded', refunded_amount: 4000n });
    expect(await money.refund(0, 6001)).toBe('more_than_left');
    await money.refund(0, null);
    await money.payOut();
    expect(await money.refunds()).toEqual([
      [0, 4000, 'made_at_provider'],
      [0, 6000, 'goodwill'],
    ]);
    expect(await money.payment(0)).toMatchObject({ status: 'refunded', refunded_amount: 10_000n });
    expect(await money.accounts()).toEqual({ earned: -3333, allowances: 3333 });
  });

  it('leaves the rest to a cancellation with refund=full', async () => {
    const money = await top();
    await money.refundAtProvider(0, 4000, 're_there');
    await money.life.cancel({ refund: 'full' });
    expect(await money.refunds()).toEqual([
      [0, 4000, 'made_at_provider'],
      [0, 6000, 'subscription_cancelled'],
    ]);
    await money.payOut();
    expect(await money.cash(0)).toBe(0);
  });

  it('is an allowance beyond the charge, and a person is told', async () => {
    const money = await top();
    await money.refund(0, 7000);
    await money.payOut();
    await money.refundAtProvider(0, 4000, 're_there');
    expect(await money.tasks()).toEqual(['refund_failed']);
    expect(await money.accounts()).toEqual({ 'cash/sandbox': -1000, earned: -3333, allowances: 4333 });
    expect(await money.payment(0)).toMatchObject({ status: 'refunded', refunded_amount: 10_000n });
  });

  it('comes back whole when it went beyond the charge, fails, and is given up', async () => {
    const money = await top();
    await money.refund(0, 3000);
    await money.payOut();
    const before = await money.accounts();
    await money.refundAtProvider(0, 8000, 're_there');
    expect(await money.accounts()).toMatchObject({ 'cash/sandbox': -1000, allowances: 4333 });
    const made = await given.db.refund.findFirstOrThrow({
      where: { reason: 'made_at_provider', amount: 8000 },
    });
    await money.receiveRefund(made.id, {
      status: 'failed',
      provider_reference: 're_there',
      reason: 'account_closed',
    });
    await given.db.operatorTask.deleteMany({ where: { subject_id: { not: made.id } } });
    await money.resolve('refund_failed', 'failed');
    expect(await money.accounts()).toEqual(before);
  });

  it('takes from what our own refund had set aside, when that one fails and is given up', async () => {
    const money = await top();
    const refundId = await money.refund(0, null);
    await money.refundAtProvider(0, 4000, 're_there');
    await money.receiveRefund(refundId, { status: 'failed', provider_reference: null, reason: 'too_much' });
    await given.db.operatorTask.deleteMany({ where: { subject_id: { not: refundId } } });
    await money.resolve('refund_failed', 'failed');
    expect(await money.accounts()).toEqual({ 'cash/sandbox': 6000, earned: -3333, unearned: -2667 });
    await money.refund(0, null);
    await money.payOut();
    expect(await money.accounts()).toEqual({ earned: -3333, allowances: 3333 });
  });

  it('beyond a charge that is not applied yet takes no service, which is not paid', async () => {
    const money = await begin('basic');
    given.provider.charges = [pending];
    await money.life.advance(on('07-01'));
    await money.receive(1);
    await money.refundAtProvider(1, 1200, 're_there');
    const owed = { earned: -1000, unearned: -1000, receivable: 1000 };
    expect(await money.accounts()).toEqual({ 'cash/sandbox': 800, ...owed, allowances: 200 });
    await money.apply(1);
    expect(await money.accounts()).toEqual({ 'cash/sandbox': 800, earned: -1000, allowances: 200 });
    given.provider.charges = [completed];
  });

  it.each<[string, number, (money: MoneyLife) => Promise<unknown>]>([
    ['a new refund', 5667, (money) => money.refund(0, 1000)],
    ['a cancellation', 0, (money) => money.life.cancel({ refund: 'prorated' })],
  ])('given up with ours, from which it had taken, leaves the charge whole to %s', async (_, left, ask) => {
    const money = await top();
    await money.refund(0, null);
    await money.refundAtProvider(0, 4000, 're_there');
    const payment_id = await money.paymentId(0);
    for (const { id } of await given.db.refund.findMany({ where: { payment_id } })) {
      await money.receiveRefund(id, { status: 'failed', provider_reference: null, reason: 'too_much' });
    }
    await ask(money);
    const accounts = { 'cash/sandbox': 10_000, earned: -3333, refunding: left - 6667 };
    expect(await money.accounts()).toEqual(left === 0 ? accounts : { ...accounts, unearned: -left });
    await money.payOut();
  });

  it('takes the credit of its customer once the subscription has ended, once', async () => {
    const money = await top();
    await money.life.change({ plan_id: 'basic' });
    await money.life.setNow(on('06-12'));
    await money.life.cancel({ refund: 'none' });
    expect(await money.customerCredit()).toBe(6000);
    for (let times = 0; times < 2; times += 1) await money.refundAtProvider(0, 4000, 're_there');
    expect(await money.customerCredit()).toBe(2000);
    expect(await money.cash(0)).toBe(6000);
  });
});
